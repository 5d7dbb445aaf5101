let stop: () => Promise<void> = async () => {}
let stopping = false

function end(): void {
  if (stopping) return
  stopping = true
  stop().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      process.exit(1)
    },
  )
}

// From the start: the first process of a container gets no signal that it has not asked for (pid_namespaces(7)).
process.on('SIGTERM', end)
process.on('SIGINT', end)

/** Runs `work` once, at SIGTERM or SIGINT, and ends the program; before this is called the program just ends. */
export function onStop(work: () => Promise<void>): void {
  stop = work
}
