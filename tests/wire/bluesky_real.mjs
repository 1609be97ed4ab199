// A whole Bluesky network of its makers' own code (npm @atproto/dev-env) on this machine, with two
// accounts, and the stream of its posts in the form of Jetstream, version 1.
// Started by bluesky_real.sh; writes what a test must know to the file named by FACTS.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Server } from 'node:net'

// The package listens on every address of the machine. Here only loopback may be heard.
const { listen } = Server.prototype
Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'number') return listen.call(this, first, '127.0.0.1', ...rest.filter((x) => typeof x !== 'string'))
  if (first && typeof first === 'object' && first.port !== undefined) first.host = '127.0.0.1'
  return listen.call(this, first, ...rest)
}

const { TestNetwork, mockMailer } = await import('@atproto/dev-env')
const { IdResolver } = await import('@atproto/identity')
const { lexToJson } = await import('@atproto/lexicon')
const { Firehose } = await import('@atproto/sync')
const { WebSocketServer } = await import('ws')

const base = Number(process.env.PORT_BASE)
const network = await TestNetwork.create({
  pds: { port: base + 1, hostname: 'localhost', enableDidDocWithSession: true, rateLimitsEnabled: true },
  plc: { port: base + 2 },
  bsky: { port: base + 3, publicUrl: `http://localhost:${base + 3}`, dbPostgresSchema: 'bsky' },
  ozone: { port: base + 4 },
  introspect: { port: base + 5 },
})
mockMailer(network.pds)

const accounts = {}
for (const name of ['brand', 'ann']) {
  const login = { handle: `${name}.test`, password: `${name}-password` }
  const made = await network.pds.getAgent().createAccount({ ...login, email: `${name}@example.test` })
  accounts[name] = { ...login, did: made.data.did }
}
await network.processAll()

// Every event of the PDS's firehose, as Jetstream tells it, from the beginning for whoever asks.
const told = []
const readers = new Set()
const tell = (did, kind, body) => {
  const time_us = Math.max(Date.now() * 1000, (told.at(-1)?.time_us ?? 0) + 1)
  told.push({ did, time_us, kind, [kind]: body })
  for (const reader of readers) reader(told.at(-1))
}
new Firehose({
  service: `ws://127.0.0.1:${base + 1}`,
  idResolver: new IdResolver({ plcUrl: network.plc.url }),
  unauthenticatedCommits: true,
  unauthenticatedHandles: true,
  getCursor: () => 0,
  onError: (error) => console.error('firehose:', error.message),
  handleEvent: (e) => {
    const { rev, collection, rkey } = e
    if (e.event === 'create' || e.event === 'update') {
      tell(e.did, 'commit', { rev, operation: e.event, collection, rkey, record: lexToJson(e.record), cid: String(e.cid) })
    } else if (e.event === 'delete') {
      tell(e.did, 'commit', { rev, operation: 'delete', collection, rkey })
    } else if (e.event === 'identity' || e.event === 'account') {
      tell(e.did, e.event, { did: e.did, seq: e.seq, time: e.time, handle: e.handle, active: e.active })
    }
  },
}).start()

const sockets = new WebSocketServer({ server: createServer().listen(base + 6), path: '/subscribe' })
sockets.on('connection', (socket, request) => {
  const asked = new URL(request.url, 'ws://localhost').searchParams
  const collections = asked.getAll('wantedCollections')
  const from = Number(asked.get('cursor') ?? Infinity)
  const reader = (event) => {
    const wanted = event.kind !== 'commit' || !collections.length || collections.includes(event.commit.collection)
    if (wanted) socket.send(JSON.stringify(event))
  }
  told.filter((event) => event.time_us >= from).forEach(reader)
  readers.add(reader)
  socket.on('close', () => readers.delete(reader))
})

writeFileSync(process.env.FACTS, JSON.stringify({
  service: `http://127.0.0.1:${base + 1}`,
  appview: `http://127.0.0.1:${base + 3}`,
  jetstream: `ws://127.0.0.1:${base + 6}`,
  accounts,
}))
console.log('ready')
process.on('SIGTERM', () => process.exit(0))
