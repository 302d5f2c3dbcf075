export const HELP = `Run code in a sandbox, review what it changed, and bring any earlier state back.

Run
  sandpiper run [options] FILE [ARGS…]     run a file of the workspace
  sandpiper run [options] -- CMD [ARGS…]   run a command
  sandpiper run --cell N|all [--results DIR] [options] FILE
                                           run one of the file's cells, or all of them, after those that ran before
  sandpiper runs [--batch BATCH] [--json]  list runs; those of a batch only when it is named
  sandpiper run --count N [--concurrency M] [options] FILE [ARGS…]
                                           run it in N sandboxes, M at once, from one snapshot: a batch
  sandpiper batches [--json]               list batches
  sandpiper logs RUN                       print a run's output again

Before anything is sent
  sandpiper preview [where] [--json]       what a run would send, what stays here, what looks like a credential
  sandpiper why PATH                       why a path is or is not sent (exit code 0 or 1)
  sandpiper allow-secret FINGERPRINT…      let these through in this workspace from now on

What came back
  sandpiper changes RUN [--json]           list the files that a run changed
  sandpiper apply RUN [PATH…]              write them into the workspace
  sandpiper discard RUN [PATH…]            leave the workspace as it is
  sandpiper pull [SESSION] [--apply] [--json]
                                           what a session's sandbox holds and nobody has decided about

Sessions
  sandpiper sessions [--json]              list sessions: running, paused, restorable from a snapshot, or lost
  sandpiper fork SESSION [where]           a second session that goes on from the same files
  sandpiper destroy SESSION                end a session and its sandbox
  sandpiper pause SESSION                  keep memory and files and end the sandbox, where the provider can; the next run
                                           that could use it, or resume, goes on
  sandpiper resume SESSION                 go on with a paused session
  sandpiper contexts SESSION [--json]      where the session's cells keep their state: one for each of their files
  sandpiper contexts SESSION restart [FILE]
                                           forget that state, of one file or of all
  sandpiper port SESSION PORT [--token]    where a port can be reached from outside; --token also prints what lets in
  sandpiper image SESSION                  keep a sandbox's file system as an image; prints what --image takes
  sandpiper images [where] [--json]        the templates and images of a provider, and what a sandbox from each costs

What it costs
  sandpiper costs [--json]                 what sandboxes have cost today and this month, and what runs now
  sandpiper gpus [where] [--json]          the GPUs of a provider, and what a sandbox with one costs
  sandpiper budget [--per-run USD] [--per-day USD] [--json]
                                           what may be spent; a sandbox that would pass it is ended after a snapshot

Snapshots
  sandpiper snapshots [list] [--all] [--json]
                                           those of this workspace, or of all; newest first
  sandpiper snapshots show ID [--json]     the files in it
  sandpiper snapshots diff A B [--json]    from A to B: A added, M modified, D deleted, R renamed
  sandpiper snapshots take [NAME] [--session SESSION]
                                           of the workspace, or of what a sandbox holds; named ones are kept
  sandpiper snapshots restore ID [--apply] [--json]
                                           what it takes to bring the workspace back; --apply does it
  sandpiper snapshots restore ID --session [where] | --into SESSION
                                           into a new sandbox, or an existing one
  sandpiper snapshots export ID FILE       write it as one file, for any machine
  sandpiper snapshots import FILE          add such a file to this workspace
  sandpiper snapshots rename ID NAME | pin ID | unpin ID | delete ID…
  sandpiper storage [--max-snapshots N] [--max-age DAYS] [--max-size MIB] [--json]
                                           what snapshots take on disk, and how long they are kept

  sandpiper --help | --version

The workspace is the nearest folder above FILE (or the current one) that holds .git, else the current folder; or the one
that --workspace names. It is sent as it is on disk, without what .gitignore and .sandboxignore name and without files
that hold secrets. RUN, SESSION and ID may be shortened as long as they are unique; "last" is the newest. RUN may also be
what pull or snapshots restore shows.

Where to run
  --provider ID        local (default), docker, modal, e2b or daytona
  --image NAME         what the sandbox starts from: an image of a registry; on E2B a template, on Daytona also a
                       snapshot as snapshot:NAME
  --network none|allow-list|full
                       what code can reach; none by default
  --allow-host HOST    a domain (pypi.org, *.pypi.org) or address range that code can reach, and nothing else; on
                       Modal, E2B and Daytona; may be repeated
  --gpu TIER[,TIER…]   a GPU, where the provider has them: H100, H100:2 for two; after commas what to take instead while
                       none is free, in this order; cpu is none at all
  --port PORT          a port that can be opened from outside later; on Modal; may be repeated
  --cpus N             processors; 2 by default. E2B's templates and Daytona's snapshots say themselves how large they are
  --memory MIB         memory limit; 2048 by default
  --option NAME=VALUE  an option of the provider, such as boundary=gvisor, autoPause=true (E2B), region=eu (Daytona); may
                       be repeated

Whose account, on Modal, E2B and Daytona
  MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, E2B_API_KEY, or DAYTONA_API_KEY of the environment, or
  --profile NAME       a profile of ~/.modal.toml (or of MODAL_CONFIG_PATH), as modal token new writes it; the project of
                       ~/.e2b/config.json that e2b auth login wrote; or a profile with an API key of Daytona's command line
  Neither is written anywhere. Without both, the account is used that an open editor has signed in to.

Options of run, besides
  --timeout TIME       stop after 90s, 10m, 2h…; never by default
  --budget USD         end the run, and its sandbox after a snapshot, when its time has cost so much
  --env NAME[=VALUE]   an environment variable, the one of here without a value; may be repeated
  --cell N|all         of a file with lines "# %%": what stands below the Nth of them, from 1 (0: before the first), leaving
                       out "# %% [markdown]". The cells of a file share what they define for as long as their session
                       lasts. What they show as text goes to stdout
  --results DIR        save what cells show there: as png, jpg, svg, html, json, md, tex or txt
  --count N            so many runs, each in a sandbox of its own that knows its place by SANDPIPER_INDEX (from 0) and
                       SANDPIPER_COUNT; a table on a terminal, else a line for each that has ended
  --concurrency M      so many of them at once; as many as the provider lets when left out
  --snapshot ID        run the files of a snapshot rather than those of the workspace
  --allow-secret FINGERPRINT
                       send this credential this once; may be repeated
  --allow-secrets      send whatever looks like a credential this once
  --max-upload SIZE    send at most 500M, 2G…; 1G by default
  --pull review|apply|none
                       what becomes of changed files: kept for review (default), written at once, left behind
  --workspace FOLDER   the folder to send
  --quiet              say nothing but what the command says
  --json               print events instead, one JSON object per line:
                         {"type":"run","run":{…}}            whenever the run's record changes
                         {"type":"output","stream":"stdout","offset":0,"text":"…"}
                                                             "base64" in place of "text" where it is not UTF-8
                         {"type":"result","output":{…}}      with --cell: what it shows, in forms by MIME type; "saved" are
                                                             the files that --results made of it
                         {"type":"changes","changes":[…]}    the files that the run changed
                         {"type":"applied","result":{…}}     with --pull apply
                         {"type":"error","code":"…","message":"…"}
                                                             code "blocked" comes with "findings" or "largest"
                         {"type":"batch","batch":{…}}        with --count, at most every 250 ms
                         {"type":"end","exitCode":0}         always the last
                       pull and snapshots restore print {"type":"change-set",…}, then changes, applied and end.

Options of apply
  --overwrite          also write named files that changed here meanwhile

Exit code of run: the command's own; 128 + N when signal N ended it; 125 when Sandpiper failed or nothing was sent.
With --count: 0 when all runs succeeded, 1 when some did not, 125 when not all were started, 130 when you stopped them.
Of what writes into the workspace: 0 when everything was written, 1 when something was left for you to decide.
`;
