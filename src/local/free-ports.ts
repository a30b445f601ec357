/** Ports for servers that must be told theirs: taken from the system for a moment, then handed over. */
import { createServer, type Server } from 'node:net'
import { EngineError } from '../base/error.ts'

/** That many different ports, free on 127.0.0.1 just now. Whoever is faster may still take one: try again then. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  const ports = servers.map(portOf)
  await Promise.all(servers.map(close))
  return ports
}

/** Throws `port_in_use` when somebody listens on the port that the caller asked for. */
export async function checkFree(port: number, server: string): Promise<void> {
  try {
    await close(await listen(port))
  } catch (cause) {
    throw new EngineError('port_in_use', `Port ${port} of 127.0.0.1, asked for by ${server}, is in use.`, {
      cause,
      details: { port },
    })
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1' }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port
}
