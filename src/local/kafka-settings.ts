/** The settings of a Kafka that is alone on its machine: broker and controller in one process, no second replica. */

/** The text of server.properties. Ports may differ from run to run; the data does not know them. */
export function kafkaSettings(dataDir: string, port: number, controllerPort: number): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': escaped(dataDir),
    ...alone,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const alone = {
  // A topic nobody made is a typing error, here as in production.
  'auto.create.topics.enable': false,
  'default.replication.factor': 1,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  // 50 by default, for clusters: on one machine only files to make when the first group joins.
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.num.partitions': 4,
  // No second member is about to come: the first need not wait for it.
  'group.initial.rebalance.delay.ms': 0,
  // After a SIGKILL the broker may only come back when its former self has timed out: 9 s by default.
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  // 128 MB of heap by default, touched at start; compaction of local topics needs little.
  'log.cleaner.dedupe.buffer.size': 8 * 1024 * 1024,
}

/** In a properties file a backslash begins an escape. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\')
}
