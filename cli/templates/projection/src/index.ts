import { fieldReader, fileProjection } from '@syscribe/runtime'

/** By connection: when each request was sent that waits for its answer, by its number, microseconds. By endpoint: a row. */
type Entry = Record<string, number>

const readMessage = fieldReader('traffic', 'TrafficMessage', ['server', 'message'])
const readEnd = fieldReader('traffic', 'TrafficConnectionEnd', ['end'])
const quoted = (text: string | null) => `"${(text ?? '').replaceAll('"', '""')}"`

/** Who makes its callers wait: each HTTP endpoint with its calls, the slowest first, as CSV. */
export default fileProjection<Entry>({
  name: 'slowest-endpoints',
  topics: ['traffic'],

  apply(input, state) {
    const kind = input.codec.kindOf(input.value)
    if (kind === 'TrafficMessage') {
      const { server, message } = readMessage(input)
      // Both ends of a connection may be observed. What the client saw counts, so each exchange counts once.
      if (message.role !== 'client') return
      const connection = message.connection.toString('hex')
      const { [message.exchange]: sent, ...waiting } = state.get(connection) ?? {}
      if (message.kind === 'request') state.set(connection, { ...waiting, [message.exchange]: message.time })
      // An answer below 200 announces another.
      else if (sent !== undefined && (message.status ?? 0) >= 200) {
        state.set(connection, waiting)
        const ms = (message.time - sent) / 1000
        const endpoint = [server.name, message.method, message.url?.split('?')[0] ?? ''].map(quoted).join(',')
        const { calls = 0, total = 0, slowest = 0 } = state.get(endpoint) ?? {}
        state.set(endpoint, { calls: calls + 1, total: total + ms, slowest: Math.max(slowest, ms) })
      }
    } else if (kind === 'TrafficConnectionEnd') {
      const { end } = readEnd(input)
      if (end.role === 'client') state.delete(end.connection.toString('hex'))
    }
  },

  render(state) {
    const rows = [...state.entries()]
      .filter(([key]) => key.startsWith('"'))
      .map(([endpoint, { calls = 0, total = 0, slowest = 0 }]) => ({ endpoint, calls, mean: total / calls, slowest }))
      .sort((one, other) => other.slowest - one.slowest || (one.endpoint < other.endpoint ? -1 : 1))
      .map(({ endpoint, calls, mean, slowest }) => `${endpoint},${calls},${mean.toFixed(3)},${slowest.toFixed(3)}\n`)
    return `service,method,path,calls,mean_ms,slowest_ms\n${rows.join('')}`
  },
})
