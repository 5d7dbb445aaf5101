// One small conversation with a database, cache or message bus by its usual client. Usage: store-client.mjs KIND PORT
// Prints what came back.
import { createRequire } from 'node:module'

const [, , kind, portText] = process.argv
const port = Number(portText)
const host = '127.0.0.1'

const conversations = {
  async postgres() {
    const { Client } = await import('pg').then((module) => module.default)
    const client = new Client({ host, port, user: 'postgres', password: 'secret', database: 'postgres' })
    await client.connect()
    const { rows } = await client.query('SELECT 6 * 7 AS answer')
    await client.end()
    return rows[0].answer
  },
  async mysql() {
    const { createConnection } = await import('mysql2/promise')
    const client = await createConnection({ host, port, user: 'tester', password: 'secret', database: 'test' })
    const [rows] = await client.query('SELECT 6 * 7 AS answer')
    await client.end()
    return rows[0].answer
  },
  async redis() {
    const { createClient } = await import('redis')
    const client = createClient({ socket: { host, port } })
    await client.connect()
    await client.set('answer', '42')
    const answer = await client.get('answer')
    client.destroy()
    return answer
  },
  async memcached() {
    const { Client } = createRequire(import.meta.url)('memjs')
    const client = Client.create(`${host}:${port}`)
    await client.set('answer', '42', { expires: 60 })
    const { value } = await client.get('answer')
    client.close()
    return value.toString()
  },
  async amqp() {
    const { connect } = await import('amqplib')
    const client = await connect(`amqp://guest:guest@${host}:${port}`)
    const channel = await client.createChannel()
    await channel.assertQueue('answers', { exclusive: true })
    const answer = new Promise((resolve) =>
      channel.consume('answers', (message) => resolve(message.content.toString())),
    )
    channel.sendToQueue('answers', Buffer.from('42'))
    const found = await answer
    await client.close()
    return found
  },
  async nats() {
    const { connect } = await import('@nats-io/transport-node')
    const client = await connect({ servers: `${host}:${port}`, ignoreClusterUpdates: true })
    const subscription = client.subscribe('answers', { max: 1 })
    await client.flush()
    client.publish('answers', '42')
    let answer
    for await (const message of subscription) answer = message.string()
    await client.close()
    return answer
  },
  async kafka() {
    const { Kafka, logLevel } = await import('kafkajs').then((module) => module.default)
    const client = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'answers', numPartitions: 1 }], waitForLeaders: true })
    await admin.disconnect()
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'answers', messages: [{ value: '42' }] })
    await producer.disconnect()
    const consumer = client.consumer({ groupId: 'readers' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'answers', fromBeginning: true })
    const answer = await new Promise((resolve) => {
      consumer.run({ eachMessage: async ({ message }) => resolve(message.value.toString()) })
    })
    await consumer.disconnect()
    return answer
  },
  async mongodb() {
    const { MongoClient } = await import('mongodb')
    const client = new MongoClient(`mongodb://${host}:${port}`, { directConnection: true })
    await client.connect()
    const answers = client.db('test').collection('answers')
    await answers.insertOne({ _id: 1, answer: 42 })
    const { answer } = await answers.findOne({ _id: 1 })
    await client.close()
    return answer
  },
  async mssql() {
    // The stand-in answers the PRELOGIN and closes: that it did is all there is to find.
    const { Connection } = await import('tedious').then((module) => module.default)
    const client = new Connection({
      server: host,
      authentication: { type: 'default', options: { userName: 'tester', password: 'secret' } },
      options: { port, encrypt: false, connectTimeout: 5000 },
    })
    await new Promise((resolve) => {
      client.on('connect', resolve)
      client.on('error', resolve)
      client.connect()
    })
    client.close()
    return 42
  },
}

process.stdout.write(`${await conversations[kind]()}\n`)
