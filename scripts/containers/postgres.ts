/** Postgres in a container. */
import pg from 'pg'
import { GenericContainer } from 'testcontainers'
import { imageOf } from './image.ts'
import { start, whenReady } from './start.ts'

export interface PostgresContainer {
  readonly url: string
  stop(): Promise<unknown>
}

/** Starts the image of `MILLRACE_POSTGRES_IMAGE`, which must take `POSTGRES_PASSWORD` as the official one does. */
export async function startPostgres(onProgress: (line: string) => void): Promise<PostgresContainer> {
  const image = imageOf('MILLRACE_POSTGRES_IMAGE')
  onProgress(`starting ${image}`)
  const definition = new GenericContainer(image).withExposedPorts(port).withEnvironment({ POSTGRES_PASSWORD: password })
  const container = await start(definition, image)
  const url = `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(port)}/postgres`
  await whenReady(container, image, () => ask(url))
  return { url, stop: () => container.stop() }
}

const port = 5432

/** Known to everybody: the data lives as long as the test. */
const password = 'millrace'

async function ask(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end()
  }
}
