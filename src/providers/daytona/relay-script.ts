/*
 * How bytes travel through a session of Daytona, which takes commands as text and keeps their output in a log: a shell's
 * loop takes it line by line (it drops NUL bytes, adds a newline at the end, and shows nothing of a line before that is
 * whole), puts 01 01 01 or 02 02 02 in front, and what is read of the log comes in pieces of any length. Hence everything
 * goes as lines of base64 through stdout alone, so that two such loops can't mix their lines either:
 * "R" when input may come, "O<base64>" and "E<base64>" for what the command writes.
 * Input comes as lines of base64; "." is its end.
 */

/** The same in perl without modules. Arguments: what to run. */
export const PERL_RELAY = String.raw`
use strict;
my ($NONBLOCK, $GETFL, $SETFL) = (04000, 3, 4);
$SIG{PIPE} = "IGNORE";
pipe(my $in_read, my $in_write);
pipe(my $out_read, my $out_write);
pipe(my $err_read, my $err_write);
my $pid = fork;
defined $pid or die "sandpiper: no room for another process: $!\n";
if (!$pid) {
  open(STDIN, "<&", $in_read); open(STDOUT, ">&", $out_write); open(STDERR, ">&", $err_write);
  close $_ for $in_read, $in_write, $out_read, $out_write, $err_read, $err_write;
  $SIG{PIPE} = "DEFAULT";
  exec { $ARGV[0] } @ARGV;
  die "sandpiper: $ARGV[0]: $!\n";
}
close $_ for $in_read, $out_write, $err_write;
fcntl($in_write, $SETFL, fcntl($in_write, $GETFL, 0) | $NONBLOCK);

sub write_all {
  my ($rest) = @_;
  while (length $rest) {
    my $sent = syswrite(STDOUT, $rest);
    if (defined $sent) { substr($rest, 0, $sent) = "" } elsif (!$!{EINTR}) { exit 1 }
  }
}

# pack's uuencoding has base64's digits under other letters, after a length at the beginning of each line of 45 bytes.
sub encode {
  my ($bytes) = @_;
  my $padding = (3 - length($bytes) % 3) % 3;
  my $text = pack("u", $bytes);
  $text =~ s/^.//mg;
  $text =~ tr/\n//d;
  $text =~ tr|\x60 !-_|AAB-Za-z0-9+/|;
  substr($text, -$padding) = "=" x $padding if $padding;
  return $text;
}
sub decode {
  my ($text) = @_;
  $text =~ tr|A-Za-z0-9+/||cd;
  $text =~ tr|A-Za-z0-9+/| -_|;
  my $bytes = "";
  while ($text =~ /(.{1,60})/gs) { $bytes .= unpack("u", chr(32 + int(length($1) * 3 / 4)) . $1) }
  return $bytes;
}

my ($pending, $input, $last) = ("", "", 0);
my %open = (O => $out_read, E => $err_read);
my $listening = 1;
write_all("R\n");
while (%open) {
  my ($r, $w) = ("", "");
  vec($r, fileno($_), 1) = 1 for values %open;
  vec($r, fileno(STDIN), 1) = 1 if $listening && length($input) < 1048576;
  vec($w, fileno($in_write), 1) = 1 if $in_write && length $input;
  next if select($r, $w, undef, undef) < 0;
  if ($listening && vec($r, fileno(STDIN), 1)) {
    my $count = sysread(STDIN, $pending, 65536, length $pending);
    if (!$count) { $listening = 0 unless !defined $count && $!{EINTR} }
    while ($pending =~ s/^(.*)\n//) {
      if ($1 eq ".") { ($last, $listening) = (1, 0); last }
      $input .= decode($1) if $in_write;
    }
  }
  if ($in_write && length $input) {
    my $sent = syswrite($in_write, $input);
    if (defined $sent) { substr($input, 0, $sent) = "" }
    elsif (!$!{EAGAIN} && !$!{EINTR}) { close $in_write; undef $in_write; $input = "" }
  }
  if ($in_write && $last && $input eq "") { close $in_write; undef $in_write }
  for my $name (keys %open) {
    next unless vec($r, fileno($open{$name}), 1);
    my $count = sysread($open{$name}, my $bytes, 24576);
    if ($count) { write_all($name . encode($bytes) . "\n") }
    elsif (defined $count || !$!{EINTR}) { delete $open{$name} }
  }
}
waitpid($pid, 0);
exit 0;
`;

/**
 * Becomes the perl relay where there is perl; else does the same by POSIX sh with dd and base64, of coreutils or busybox.
 * Lines are short then: two loops write them, and only up to 4096 bytes are written in one go.
 */
export const SHELL_RELAY = String.raw`
for perl in /usr/bin/perl /usr/local/bin/perl "$(command -v perl 2>/dev/null)"; do
  if [ -n "$perl" ] && [ -x "$perl" ]; then
    # The supervisor gives them back to the command.
    if [ -n "$PERL5OPT" ]; then export SANDPIPER_PERL5OPT="$PERL5OPT"; unset PERL5OPT; fi
    if [ -n "$PERL5LIB" ]; then export SANDPIPER_PERL5LIB="$PERL5LIB"; unset PERL5LIB; fi
    exec "$perl" -- "\${0%/*}/relay.pl" "$@"
  fi
done
if ! command -v base64 >/dev/null; then echo "sandpiper: the image has neither perl nor base64" >&2; exit 126; fi
encode() {
  while text=$(dd bs=2880 count=1 2>/dev/null | base64 | tr -d '\n') && [ -n "$text" ]; do printf '%s%s\n' "$1" "$text"; done
}
decode() {
  while IFS= read -r line && [ "$line" != . ]; do printf '%s' "$line" | base64 -d; done
}
echo R
{ { decode 3>&- 4>&- | "$@" 2>&4 3>&- 4>&- | encode O >&3 4>&-; } 4>&1 | encode E 3>&-; } 3>&1
`.replaceAll("\\$", "$");

/** Runs a command in the terminal that it is given. The session lives on until it is ended: what is on its way would be lost. */
export const TERMINAL_SCRIPT = `
"$@"
sleep 10
`;
