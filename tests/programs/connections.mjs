// Opens and closes connections to a server of its own, some at a time. Usage: node connections.mjs COUNT
// Prints how many were accepted. They end by reset, or the ports would run out.
import { connect, createServer } from 'node:net'

const count = Number(process.argv[2])
let accepted = 0
const server = createServer((socket) => {
  accepted++
  socket.on('error', () => {})
  socket.resetAndDestroy()
}).listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  let opened = 0
  const worker = async () => {
    while (opened < count) {
      opened++
      await new Promise((resolve) => {
        connect(port, '127.0.0.1')
          .on('error', () => {})
          .on('close', resolve)
      })
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  server.close(() => process.stdout.write(`${accepted}\n`))
})
