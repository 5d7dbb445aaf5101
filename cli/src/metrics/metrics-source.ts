/** Gives its metrics in Prometheus's text format; no two sources of a process give the same name. */
export type MetricsSource = () => string | Promise<string>

/** How long a source may take: what it waits for (brokers that are away) must not keep the others. Milliseconds. */
const patienceMs = 5_000

/** What the sources have to say; one that fails or takes too long says nothing. */
export async function textOfAll(sources: readonly MetricsSource[]): Promise<string> {
  return (await Promise.all(sources.map(textOf))).join('')
}

async function textOf(source: MetricsSource): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, patienceMs, '')
  })
  try {
    return await Promise.race([source(), late])
  } catch {
    return ''
  } finally {
    clearTimeout(timer)
  }
}
