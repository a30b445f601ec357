/** Three Kafka brokers on one machine, each controller too, so that one may die and the others go on. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../src/base/poll.ts'
import { kafkaAnswers } from '../../src/local/ask.ts'
import { freePorts } from '../../src/local/free-ports.ts'
import { findJava } from '../../src/local/java.ts'
import { newClusterId } from '../../src/local/kafka.ts'
import { kafkaJars } from '../../src/local/kafka-jars.ts'
import { type Leashed, leash, type Program, runToEnd } from '../../src/local/leash.ts'

export interface Cluster {
  readonly brokers: readonly string[]
  /** As `kill -9` does it. Brokers count from 1. */
  kill(node: number): Promise<void>
  /** With the data it had. */
  start(node: number): Promise<void>
  stop(): Promise<void>
}

const nodes = [1, 2, 3]

export async function startCluster(dir: string): Promise<Cluster> {
  const [java, jars, ports] = await Promise.all([findJava(), kafkaJars(), freePorts(nodes.length * 2)])
  const portsOf = (node: number) => ({
    broker: ports[node * 2 - 2] as number,
    controller: ports[node * 2 - 1] as number,
  })
  const voters = nodes.map((node) => `${node}@127.0.0.1:${portsOf(node).controller}`).join(',')
  const clusterId = newClusterId()
  const running = new Map<number, Leashed>()
  const program = (node: number, args: readonly string[]): Program => ({
    name: `broker-${node}`,
    command: java.command,
    args: ['-Xmx320m', '-XX:+UseSerialGC', '-Dorg.apache.logging.log4j.level=WARN', '-cp', jars.classpath, ...args],
    env: process.env,
    cwd: join(dir, String(node)),
    logFile: join(dir, String(node), 'kafka.log'),
    stopSignal: 'TERM',
    graceMs: 6000,
  })
  const start = async (node: number) => {
    const properties = join(dir, String(node), 'server.properties')
    running.set(node, await leash(program(node, ['kafka.Kafka', properties])))
    const answers = () => kafkaAnswers(portsOf(node).broker)
    await until(`broker ${node} to answer`, answers, { forMs: 60_000, everyMs: 100 })
  }
  for (const node of nodes) {
    mkdirSync(join(dir, String(node)), { recursive: true })
    const properties = join(dir, String(node), 'server.properties')
    writeFileSync(properties, settingsOf(node, join(dir, String(node), 'logs'), portsOf(node), voters))
    await runToEnd(program(node, ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]))
  }
  await Promise.all(nodes.map(start))
  return {
    brokers: nodes.map((node) => `127.0.0.1:${portsOf(node).broker}`),
    start,
    async kill(node) {
      const broker = running.get(node)
      if (!broker) return
      process.kill(broker.pid, 'SIGKILL')
      await broker.stop()
    },
    async stop() {
      await Promise.all([...running.values()].map((broker) => broker.stop(3000)))
    },
  }
}

function settingsOf(node: number, logs: string, ports: { broker: number; controller: number }, voters: string): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': logs,
    'auto.create.topics.enable': false,
    // A record that was acknowledged is on two brokers at least, and a broker that lags becomes no leader.
    'min.insync.replicas': 2,
    'unclean.leader.election.enable': false,
    'offsets.topic.replication.factor': 3,
    'transaction.state.log.replication.factor': 3,
    'transaction.state.log.min.isr': 2,
    'share.coordinator.state.topic.replication.factor': 3,
    'share.coordinator.state.topic.min.isr': 2,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
