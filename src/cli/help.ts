export const HELP = `Run code in a sandbox and review what it changed.

Usage
  sandpiper run [options] FILE [ARGS…]     run a file of the workspace
  sandpiper run [options] -- CMD [ARGS…]   run a command
  sandpiper sessions [--json]              list sessions
  sandpiper destroy SESSION                end a session and its sandbox
  sandpiper runs [--json]                  list runs
  sandpiper logs RUN                       print a run's output again
  sandpiper changes RUN [--json]           list the files that a run changed
  sandpiper apply RUN [PATH…]              write them into the workspace
  sandpiper discard RUN [PATH…]            leave the workspace as it is
  sandpiper --help | --version

The workspace is the nearest folder above FILE (or the current one) that holds .git, else the current folder. It is sent as
it is on disk, without what .gitignore and .sandboxignore name and without files that hold secrets.
RUN and SESSION may be shortened as long as they are unique; "last" is the newest run.

Options of run
  --provider ID        local (default) or docker
  --image NAME         what the sandbox starts from
  --network none|full  what code can reach; none by default
  --gpu TIER           a GPU, where the provider has them
  --memory MIB         memory limit; 2048 by default
  --timeout TIME       stop after 90s, 10m, 2h…; never by default
  --env NAME=VALUE     an environment variable; may be repeated
  --option NAME=VALUE  an option of the provider, such as boundary=gvisor; may be repeated
  --pull review|apply|none
                       what becomes of changed files: kept for review (default), written at once, left behind
  --workspace FOLDER   the folder to send
  --quiet              say nothing but what the command says
  --json               print events instead, one JSON object per line:
                         {"type":"run","run":{…}}            whenever the run's record changes
                         {"type":"output","stream":"stdout","offset":0,"text":"…"}
                                                             "base64" in place of "text" where it is not UTF-8
                         {"type":"changes","changes":[…]}    the files that the run changed
                         {"type":"applied","result":{…}}     with --pull apply
                         {"type":"error","code":"…","message":"…"}
                         {"type":"end","exitCode":0}         always the last

Exit code: the command's own; 128 + N when signal N ended it; 125 when Sandpiper failed.
apply and apply --json: 0 when everything was written, 1 when something was left for you to decide.

Options of apply
  --overwrite          also write named files that changed here meanwhile
`;
