// Starts the Slack part of emulate (npm), written by others, and a door in front of it: Slack answers
// reading methods by GET too, the emulator by POST alone. Prints one line of JSON when it is ready.
import http from 'node:http'
import { createEmulator } from 'emulate'

const port = Number(process.argv[2])
const seed = {
  team: { name: 'Acme', domain: 'acme' },
  users: [{ name: 'maria', real_name: 'Maria', email: 'maria@acme.example' }],
  channels: [{ name: 'support', topic: 'customers' }],
  bots: [{ name: 'careline' }],
  tokens: [
    {
      token: 'xoxb-careline-test',
      user: 'careline',
      scopes: ['chat:write', 'channels:read', 'channels:history', 'channels:join', 'users:read', 'reactions:write', 'reactions:read'],
    },
    { token: 'xoxp-maria-test', user: 'maria', scopes: ['chat:write', 'channels:read', 'channels:history', 'channels:join', 'users:read', 'reactions:read'] },
  ],
  signing_secret: 'a-signing-secret',
  strict_scopes: true,
}
const emulator = await createEmulator({ service: 'slack', port: port + 1, seed: { slack: seed } })
const behind = `http://127.0.0.1:${port + 1}`

const collect = async (stream) => {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
http
  .createServer(async (request, response) => {
    const url = new URL(request.url, behind)
    const headers = { authorization: request.headers.authorization ?? '' }
    let body = await collect(request)
    headers['content-type'] = request.headers['content-type'] ?? 'application/x-www-form-urlencoded'
    if (request.method === 'GET') {
      body = Buffer.from(url.search.slice(1))
      headers['content-type'] = 'application/x-www-form-urlencoded'
    }
    const answer = await fetch(behind + url.pathname, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  .listen(port, '127.0.0.1', async () => {
    const call = async (method, token) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${behind}/api/${method}`, { method: 'POST', headers })).json()
    }
    const { channels } = await call('conversations.list', 'xoxb-careline-test')
    const channel = channels.find((c) => c.name === 'support').id
    for (const token of ['xoxb-careline-test', 'xoxp-maria-test']) {
      await fetch(`${behind}/api/conversations.join`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ channel }),
      })
    }
    console.log(JSON.stringify({ api: `http://127.0.0.1:${port}/api`, channel }))
  })
process.on('SIGTERM', () => emulator.close().finally(() => process.exit(0)))
