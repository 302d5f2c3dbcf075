/**
 * Runs the command in a process group of its own, ends what it leaves behind and reports how it ended.
 * Plain perl 5.8 that loads no module (POSIX for terminals alone): strict, Config and %!, which loads Errno, take longer to
 * load than all the rest. So errors have Linux's numbers here, and a test compiles it under `use strict`.
 * Arguments: nonce, pid file or "", control fd or "", stdio ("direct", "pipes" or "pty:COLUMNSxROWS"), cwd, user id or "",
 * command….
 *
 * `direct` hands its own stdin, stdout and stderr on; when stdin is a terminal the command gets its foreground.
 * `pipes` and `pty` relay, for hosts whose streams are sockets (/dev/stdout cannot be opened on a socket) or who have no
 * terminal to give. The control fd takes lines: INT, TERM, KILL, "SIZE columns rows"; its end means that the host died.
 */
export const PERL_SUPERVISOR = String.raw`
my ($nonce, $pidfile, $control, $stdio, $cwd, $user, @command) = @ARGV;
$0 = "sandpiper"; # also takes the nonce off the command line that others can read
for ("PERL5OPT", "PERL5LIB") { $ENV{$_} = delete $ENV{"SANDPIPER_$_"} if exists $ENV{"SANDPIPER_$_"} }
my ($NONBLOCK, $GETFL, $SETFL) = (04000, 3, 4);
my ($CTTY, $GETPGRP, $SETPGRP, $SETSIZE, $LOCK, $NUMBER, $GETMODES) = (0x540E, 0x540F, 0x5410, 0x5414, 0x40045431, 0x80045430, 0x5401);
my ($ENOENT, $EINTR, $EAGAIN, $EACCES) = (2, 4, 11, 13);
my @ignored = qw(PIPE INT QUIT TTOU TTIN);
$SIG{$_} = "IGNORE" for @ignored;
# The numbers of system calls are those of the machine that perl was built for: of 64 bits, x86-64 or AArch64, as the
# header of its ELF file says.
my $elf = "";
if (open(my $self, "<", "/proc/self/exe")) { sysread($self, $elf, 20) }
my $machine = length $elf == 20 && ord(substr($elf, 4, 1)) == 2 && {
  62 => { prctl => 157, setresuid => 117, setresgid => 119 },
  183 => { prctl => 167, setresuid => 147, setresgid => 149 },
}->{unpack("x18 v", $elf)};
# Orphans of the command come to us, even those that made a session of their own.
my $reaper = $machine && syscall($machine->{prctl}, 36, 1, 0, 0, 0) == 0; # PR_SET_CHILD_SUBREAPER
my ($pid, $master, $tty, @pumps, $pidfd, $plain, $ended, $status);
my $pty = $stdio =~ /^pty:(\d+)x(\d+)$/;
my ($columns, $rows) = ($1, $2);
my $terminal = $stdio eq "direct" && -t STDIN;

sub set_size { ioctl($master, $SETSIZE, pack("S4", $_[1], $_[0], 0, 0)) if $master }

sub trailer {
  my $text = $status & 127 ? "signaled " . ($status & 127) : "exited " . ($status >> 8);
  my $bytes = "\xC1$nonce $text\xC1";
  unlink $pidfile if $pidfile ne "";
  for my $to ($terminal || $pty ? (*STDOUT) : (*STDOUT, *STDERR)) {
    my $rest = $bytes;
    while (length $rest) {
      my $sent = syswrite($to, $rest);
      if (defined $sent) { substr($rest, 0, $sent) = "" }
      elsif ($! == $EAGAIN) { my $w = ""; vec($w, fileno($to), 1) = 1; select(undef, $w, undef, 1) }
      elsif ($! != $EINTR) { last }
    }
  }
  exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
}

sub fail { my ($code, $message) = @_; syswrite(STDERR, "$message\n"); exit $code }

# Ends every descendant that is left. Children of a killed one come to us, hence the rounds.
sub sweep {
  kill KILL => -$pid;
  return unless $reaper;
  for (1 .. 200) {
    my $found = 0;
    opendir(my $proc, "/proc") or return;
    for my $other (grep /^\d+$/, readdir $proc) {
      open(my $stat, "<", "/proc/$other/stat") or next;
      my $line = join "", <$stat>;
      next unless $line =~ /^\d+ \(.*\) (\S) (\d+)/s && $2 == $$ && $1 ne "Z";
      $found = 1;
      kill KILL => $other;
    }
    while ((my $gone = waitpid(-1, 1)) > 0) { if ($gone == $pid) { $status = $?; $ended = 1 } }
    last unless $found;
    select(undef, undef, undef, 0.002);
  }
}

# For good, saved ids included, and with all capabilities.
sub become_user {
  my $id = $user + 0; # a string would be passed as an address
  $) = "$id $id";
  return if $machine && syscall($machine->{setresgid}, $id, $id, $id) == 0 && syscall($machine->{setresuid}, $id, $id, $id) == 0
    && syscall($machine->{prctl}, 38, 1, 0, 0, 0) == 0 && "$< $> $( $)" eq "$id $id $id $id $id $id"; # PR_SET_NO_NEW_PRIVS
  fail(126, "sandpiper: the user of commands is not to be had: $!");
}

sub run_command {
  my ($in, $out, $err) = @_;
  if ($pty) {
    require POSIX;
    POSIX::setsid();
    open(my $slave, "+<", $tty) or fail(126, "sandpiper: no terminal: $!");
    ioctl($slave, $CTTY, 0);
    ($in, $out, $err) = ($slave, $slave, $slave);
  } else {
    setpgrp(0, 0);
    ioctl(STDIN, $SETPGRP, pack("i", $$)) if $terminal;
  }
  if ($in) { open(STDIN, "<&", $in); open(STDOUT, ">&", $out); open(STDERR, ">&", $err) }
  $SIG{$_} = "DEFAULT" for @ignored;
  if ($cwd ne "" && !chdir $cwd) { fail(126, "$cwd: cannot be entered in the sandbox: $!") }
  exec { $command[0] } @command;
  my ($error, $name) = ($! + 0, $command[0]);
  fail(127, "$name: not found in the sandbox") if $error == $ENOENT && !($name =~ m(/) && -e $name);
  fail(127, "$name: its interpreter is not in the sandbox") if $error == $ENOENT;
  fail(126, "$name: not executable in the sandbox") if $error == $EACCES;
  fail(126, "$name: cannot be started in the sandbox: $!");
}

sub start {
  my @ends = @_;
  $pid = fork;
  if (!defined $pid) { syswrite(STDERR, "sandpiper: no room for another process: $!\n"); $status = 126 << 8; trailer() }
  run_command(@ends) if $pid == 0;
  setpgrp($pid, $pid) unless $pty;
  ioctl(STDIN, $SETPGRP, pack("i", $pid)) if $terminal;
  if ($pidfile ne "" && open(my $file, ">", $pidfile)) { syswrite($file, "$pid" . ($tty ? " $tty" : "") . "\n"); close $file }
}

# Descriptors that came in by accident would let the command out of the sandbox.
if (opendir(my $own, "/proc/self/fd")) {
  my $stray;
  for my $fd (grep { /^\d+$/ && $_ > 2 && $_ ne $control && $_ != fileno($own) } readdir $own) { close $stray if open($stray, "<&=", $fd) }
  closedir $own;
}
become_user() if $user ne "" && $> != $user;
my ($commands, $pending) = (undef, "");
if ($control ne "") {
  open($commands, "<&=", $control) or fail(126, "sandpiper: no control channel: $!");
  fcntl($commands, 2, 1); # close on exec
  if ($nonce eq "") { sysread($commands, $nonce, 1, length $nonce) or exit 1 until $nonce =~ s/\n// }
}

if ($stdio eq "direct") {
  start();
  while (1) {
    my $gone = waitpid($pid, 2);
    next if $gone == -1 && $! == $EINTR;
    if ($gone == $pid && ($? & 255) == 127) { kill CONT => -$pid; next } # nobody could ever continue it
    $status = $?;
    last;
  }
  sweep();
  trailer();
}

sub unblock { fcntl($_[0], $SETFL, fcntl($_[0], $GETFL, 0) | $NONBLOCK) }
sub new_pump { my ($from, $to) = @_; unblock($from); unblock($to); push @pumps, { from => $from, to => $to, rest => "" } }

# One step of a relay; drops it when either side is closed.
sub step {
  my ($pump, $readable, $writable) = @_;
  if ($pump->{rest} eq "" && $readable) {
    my $count = sysread($pump->{from}, $pump->{rest}, 65536);
    if (!defined $count) {
      return if $! == $EINTR || ($! == $EAGAIN && !$ended);
      $pump->{done} = 1; # EIO is the end of a terminal
    } elsif ($count == 0) {
      if ($pump->{input} && $pty) { $pump->{rest} = "\x04"; $pump->{last} = 1 } else { $pump->{done} = 1 }
    }
    elsif ($pump->{input} && $plain) { $pump->{rest} = take_signals($pump->{rest}) }
    $writable = 1;
  }
  if ($writable && length $pump->{rest}) {
    my $sent = syswrite($pump->{to}, $pump->{rest});
    if (defined $sent) { substr($pump->{rest}, 0, $sent) = "" }
    elsif ($! != $EAGAIN && $! != $EINTR) { $pump->{done} = 1; $pump->{rest} = "" }
    $pump->{done} = 1 if $pump->{last} && $pump->{rest} eq "";
  }
  if ($pump->{done} && !$pump->{closed}) {
    $pump->{closed} = 1;
    close $pump->{from} unless $pty && !$pump->{input};
    close $pump->{to} if $pump->{input} && !$pty;
  }
}

# gVisor's terminals do not tell which group is in front, nor mind the characters that stand for signals: there, we do it,
# to every group of the command's session, since any may be in front.
sub signal_session {
  my ($name) = @_;
  my %groups = ($pid => 1);
  opendir(my $proc, "/proc") or return;
  for my $other (grep /^\d+$/, readdir $proc) {
    open(my $stat, "<", "/proc/$other/stat") or next;
    my $line = join "", <$stat>;
    $groups{$1} = 1 if $line =~ /^\d+ \(.*\) \S \d+ (\d+) (\d+)/s && $2 == $pid;
  }
  kill $name => map { -$_ } keys %groups;
}
sub lacks_jobs { my $front = pack("i", 0); return !ioctl($master, $GETPGRP, $front) }
sub take_signals {
  my ($bytes) = @_;
  my $modes = "\0" x 60;
  return $bytes unless ioctl($master, $GETMODES, $modes) && (unpack("L4", $modes))[3] & 1;
  my ($interrupt, $quit) = map { chr } unpack("x17 C2", $modes);
  while ($bytes =~ s/[\Q$interrupt$quit\E]//) {
    $pumps[1]{rest} .= $& eq $interrupt ? "^C" : "^\\";
    signal_session($& eq $interrupt ? "INT" : "QUIT");
  }
  return $bytes;
}

sub obey {
  my ($line) = @_;
  if ($line =~ /^SIZE (\d+) (\d+)$/) { set_size($1, $2); return }
  return unless $line =~ /^(INT|TERM|KILL)$/;
  my $name = $1;
  my $front = pack("i", 0);
  kill $name => -$pid;
  # An interactive shell has its jobs in groups of their own.
  if ($master && ioctl($master, $GETPGRP, $front)) { my $group = unpack("i", $front); kill $name => -$group if $group > 1 && $group != $pid }
}

if ($pty) {
  my ($unlock, $number) = (pack("i", 0), pack("i", 0));
  open($master, "+<", "/dev/ptmx") && ioctl($master, $LOCK, $unlock) && ioctl($master, $NUMBER, $number)
    or do { syswrite(STDERR, "sandpiper: no terminal in the sandbox: $!\n"); $status = 126 << 8; trailer() };
  $tty = "/dev/pts/" . unpack("i", $number);
  set_size($columns, $rows);
  # Held open until the command has it: a terminal whose last user closed it is at its end.
  sysopen(my $hold, $tty, 0402); # O_RDWR | O_NOCTTY
  start();
  new_pump(*STDIN, $master);
  new_pump($master, *STDOUT);
  $pumps[0]{hold} = $hold;
  $plain = lacks_jobs();
} else {
  pipe(my $in_read, my $in_write);
  pipe(my $out_read, my $out_write);
  pipe(my $err_read, my $err_write);
  start($in_read, $out_write, $err_write);
  close $_ for $in_read, $out_write, $err_write;
  new_pump(*STDIN, $in_write);
  new_pump($out_read, *STDOUT);
  new_pump($err_read, *STDERR);
}
$pumps[0]{input} = 1;
$pidfd = syscall(434, $pid, 0) if $machine; # pidfd_open
$pidfd = undef if defined $pidfd && $pidfd < 0;
$SIG{CHLD} = sub { } unless defined $pidfd; # wakes the wait below, most of the time at once

while (1) {
  my ($r, $w) = ("", "");
  for my $pump (@pumps) {
    next if $pump->{done} && $pump->{rest} eq "" || $ended && $pump->{input};
    if (length $pump->{rest}) { vec($w, fileno($pump->{to}), 1) = 1 } elsif (!$pump->{done}) { vec($r, fileno($pump->{from}), 1) = 1 }
  }
  vec($r, fileno($commands), 1) = 1 if $commands;
  if ($ended) { last unless grep { !$_->{input} && !($_->{done} && $_->{rest} eq "") } @pumps }
  elsif (defined $pidfd) { vec($r, $pidfd, 1) = 1 }
  my $busy = grep { length $_->{rest} } @pumps;
  my $count = select($r, $w, undef, $ended ? ($busy ? undef : 0) : defined $pidfd ? undef : 0.02);
  ($r, $w) = ("", "") if $count < 0; # a signal, perhaps that of the end
  if ($commands && vec($r, fileno($commands), 1)) {
    my $got = sysread($commands, $pending, 4096, length $pending);
    if (!$got) { close $commands; $commands = undef; kill KILL => -$pid; sweep() }
    while ($pending =~ s/^(.*)\n//) { obey($1) }
  }
  if (!$ended && waitpid($pid, 1) == $pid) {
    ($status, $ended) = ($?, 1);
    delete $_->{hold} for @pumps;
    sweep();
    next;
  }
  for my $pump (@pumps) {
    next if $pump->{closed} && $pump->{rest} eq "" || $ended && $pump->{input};
    step($pump, $ended || vec($r, fileno($pump->{from}), 1), length $pump->{rest} && vec($w, fileno($pump->{to}), 1));
  }
}
trailer();
`;

/**
 * The same by POSIX sh alone, for images without perl. It cannot relay, so `pipes` and `pty` are as `direct`; a status
 * above 128 is taken for a signal, as shells do; processes that leave the group outlive the command. The control fd works
 * together with a pid file.
 */
export const SHELL_SUPERVISOR = String.raw`
nonce=$1 pidfile=$2 control=$3 stdio=$4 cwd=$5
shift 6
if [ -z "$nonce" ]; then read -r nonce <&"$control"; fi
finish() {
  if [ -n "$pidfile" ]; then rm -f -- "$pidfile"; fi
  ended="exited $1"
  if [ "$1" -gt 128 ] && [ "$1" -le 192 ]; then ended="signaled $(($1 - 128))"; fi
  until printf '\301%s %s\301' "$nonce" "$ended"; do sleep 1; done
  if [ -z "$terminal" ]; then until printf '\301%s %s\301' "$nonce" "$ended" >&5; do sleep 1; done; fi
  exit "$1"
}
refuse() {
  exec 5>&2
  printf '%s\n' "$2" >&2
  finish "$1"
}
terminal=
if [ -t 0 ] && [ -t 1 ]; then terminal=1; fi
trap : INT QUIT
if [ -n "$cwd" ]; then cd -- "$cwd" 2>/dev/null || refuse 126 "$cwd: cannot be entered in the sandbox"; fi
case $1 in
*/*)
  if [ ! -e "$1" ]; then refuse 127 "$1: not found in the sandbox"; fi
  if [ ! -x "$1" ] || [ -d "$1" ]; then refuse 126 "$1: not executable in the sandbox"; fi ;;
*) command -v "$1" >/dev/null 2>&1 || refuse 127 "$1: not found in the sandbox" ;;
esac
launch='exec 2>&5 5>&- '"\${control:+$control<&-}"'; if [ -n "$1" ]; then echo $$ >"$1"; fi; shift; exec "$@"'
# The shell would tell of signals on the stream that is the command's.
exec 5>&2 2>/dev/null
if [ -n "$terminal" ]; then
  set -m
  sh -c "$launch" sh "$pidfile" "$@"
  finish $?
fi
if [ -n "$control" ]; then
  while read -r name; do
    read -r pid <"$pidfile"
    case $name in INT | TERM | KILL) kill "-$name" "-$pid" || kill "-$name" "$pid" ;; esac
  done <&"$control" >/dev/null 5>&- &
fi
# In the foreground: a background job would start with SIGINT ignored.
if command -v setsid >/dev/null; then
  setsid sh -c "$launch" sh "$pidfile" "$@"
else
  sh -c "$launch" sh "$pidfile" "$@"
fi
status=$?
if [ -n "$pidfile" ]; then
  read -r pid <"$pidfile"
  kill -KILL "-$pid"
fi
finish "$status"
`.replaceAll("\\$", "$");
