/**
 * Kafka in a container. A broker must tell its clients the address they know it by, and the engine chooses the port
 * only when the container runs: so the container waits until it is told, and Kafka starts then.
 */
import { Kafka, logLevel } from 'kafkajs'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { kafkaSettings } from '../../src/local/kafka-settings.ts'
import { imageOf } from './image.ts'
import { start, whenReady } from './start.ts'

export interface KafkaContainer {
  /** host:port, for clients on this machine. */
  readonly broker: string
  stop(): Promise<unknown>
}

/** Starts the image of `MILLRACE_KAFKA_IMAGE`, which must take its settings from `KAFKA_*` as apache/kafka does. */
export async function startKafka(onProgress: (line: string) => void): Promise<KafkaContainer> {
  const image = imageOf('MILLRACE_KAFKA_IMAGE')
  onProgress(`starting ${image}`)
  const definition = new GenericContainer(image)
    .withExposedPorts(clientPort)
    .withEnvironment(environment())
    .withEntrypoint(['bash', '-c', startWhenAddressed])
    .withWaitStrategy(Wait.forLogMessage(waiting))
  const container = await start(definition, image)
  const broker = `${container.getHost()}:${container.getMappedPort(clientPort)}`
  await whenReady(
    container,
    image,
    () => askCluster(broker),
    () => tellAddress(container, broker),
  )
  return { broker, stop: () => container.stop() }
}

/** For clients outside, for the broker's own connections to itself, and for the controller in the same process. */
const clientPort = 9092
const brokerPort = 9094
const controllerPort = 9093

const addressFile = '/tmp/advertised-listeners'
const waiting = 'waiting for the address'

const startWhenAddressed = `
echo '${waiting}'
until [ -e ${addressFile} ]; do sleep 0.1; done
export KAFKA_ADVERTISED_LISTENERS="$(cat ${addressFile})"
exec /etc/kafka/docker/run`

/** The settings of the Kafka that millrace starts itself, but for the addresses. */
function environment(): Record<string, string> {
  const settings = { ...asObject(kafkaSettings('/var/lib/kafka/data', clientPort, controllerPort)), ...addresses }
  const { 'advertised.listeners': _, ...untilAddressed } = settings
  const entries = Object.entries(untilAddressed)
  return { KAFKA_HEAP_OPTS: '-Xmx512m', ...Object.fromEntries(entries.map(([name, value]) => [variable(name), value])) }
}

const addresses: Record<string, string> = {
  listeners: `PLAINTEXT://0.0.0.0:${clientPort},BROKER://127.0.0.1:${brokerPort},CONTROLLER://127.0.0.1:${controllerPort}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'BROKER',
}

function asObject(properties: string): Record<string, string> {
  const lines = properties.split('\n').filter((line) => line.includes('='))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** https://github.com/apache/kafka/blob/trunk/docker/examples/README.md, "Using Environment Variables" */
const variable = (setting: string) => `KAFKA_${setting.replaceAll('.', '_').toUpperCase()}`

/** Renamed into place, so that the container sees the whole address or none. */
async function tellAddress(container: StartedTestContainer, broker: string): Promise<void> {
  const listeners = `PLAINTEXT://${broker},BROKER://127.0.0.1:${brokerPort}`
  const write = `echo '${listeners}' > ${addressFile}.new && mv ${addressFile}.new ${addressFile}`
  const { exitCode, output } = await container.exec(['bash', '-c', write])
  if (exitCode !== 0) throw new Error(`could not write ${addressFile}: ${output}`)
}

async function askCluster(broker: string): Promise<void> {
  const client = new Kafka({
    brokers: [broker],
    connectionTimeout: 1000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  })
  const admin = client.admin()
  try {
    await admin.connect()
    await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}
