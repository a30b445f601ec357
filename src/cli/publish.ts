/** `millrace publish TOPIC`: events from the command line, a file or standard input. */
import { EngineError } from '../base/error.ts'
import { createClient } from '../intake/client.ts'
import { type Place, send } from '../intake/send.ts'
import { kafkaSettings } from '../kafka-settings.ts'
import { didYouMean } from '../workflow/nearest.ts'
import { kafkaConfig } from './addresses.ts'
import { type EventOptions, readEvents } from './events.ts'
import { print, printJson } from './print.ts'
import { counted } from './problems.ts'
import { withTopics } from './topics.ts'

export async function publish(topic: string, options: EventOptions & { json?: boolean }): Promise<void> {
  const config = kafkaConfig()
  const events = await readEvents(options)
  const existing = await withTopics(config, (topics) => topics.existing())
  if (!existing.has(topic)) throw unknownTopic(topic, existing, config['kafka.brokers'])
  const places = await send(createClient(kafkaSettings(config)), topic, events)
  if (options.json) printJson(places)
  else tell(topic, places)
}

function tell(topic: string, places: readonly Place[]): void {
  const [first, ...others] = places
  if (!first) print(`nothing to publish to ${topic}`)
  else if (others.length === 0) print(`published to ${topic}/${first.partition} at offset ${first.offset}`)
  else tellMany(topic, places)
}

function tellMany(topic: string, places: readonly Place[]): void {
  print(`published ${counted(places.length, 'event')} to ${topic}:`)
  const byPartition = new Map<number, number[]>()
  for (const { partition, offset } of places)
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), offset])
  for (const [partition, offsets] of [...byPartition].sort(([a], [b]) => a - b)) {
    print(`  partition ${partition}: ${counted(offsets.length, 'event')}, offsets ${offsets[0]} to ${offsets.at(-1)}`)
  }
}

function unknownTopic(topic: string, existing: ReadonlySet<string>, brokers: readonly string[]): EngineError {
  const names = [...existing].filter((name) => !name.startsWith('__')).sort()
  const otherwise = names.length === 0 ? 'it has no topics yet' : `it has ${names.slice(0, namedMax).join(', ')}`
  const message = `Kafka at ${brokers.join(',')} has no topic ${topic}; ${didYouMean(topic, names, otherwise)}`
  return new EngineError('unknown_topic', message, { details: { topic } })
}

const namedMax = 10
