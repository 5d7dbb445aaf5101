import { MongoClient } from 'mongodb'
import { test } from 'vitest'
import * as ferretdb from '../../../../tests/servers/ferretdb.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { recordingProxy } from './recording-proxy.js'

test('mongodb', async () => {
  const vectors: Vector[] = []
  const server = await ferretdb.start()
  const proxy = await recordingProxy(server.port)
  const client = new MongoClient(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`)
  await client.connect()
  const things = client.db('shop').collection('things')
  await things.insertMany([{ name: 'one' }, { name: 'two' }])
  await things.find({ name: 'two' }).toArray()
  await client.close()
  vectors.push(...vectorsOf('insert and find', 'FerretDB 1.24', 'mongodb 7', await proxy.finish()))
  await server.stop()
  writeVectors('mongodb', vectors)
})
