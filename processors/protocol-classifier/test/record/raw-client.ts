import { createConnection } from 'node:net'

/** Sends each line or block and waits for an answer after each. @returns what came, one string per answer. */
export async function converse(
  port: number,
  blocks: readonly (string | Buffer)[],
  serverFirst = false,
): Promise<string[]> {
  const socket = createConnection({ host: '127.0.0.1', port })
  const answers: string[] = []
  const answer = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer after ${answers.length}`)), 5000)
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      socket.once('data', (data) => {
        answers.push(data.toString('latin1'))
        done()
      })
      socket.once('close', done)
      socket.once('error', reject)
    })
  await new Promise((resolve) => socket.once('connect', resolve))
  if (serverFirst) await answer()
  for (const block of blocks) {
    const answered = answer()
    socket.write(typeof block === 'string' ? Buffer.from(block, 'latin1') : block)
    await answered
  }
  socket.end()
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  return answers
}
