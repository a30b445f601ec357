/** Which partition a message goes to: by its key as every other client does it, and the same however often it is tried. */
import { type Message, type PartitionerArgs, Partitioners } from 'kafkajs'

/**
 * The client asks anew with each try of a request, when partitions may have been added or counted on: a message that went
 * elsewhere the second time would be there twice, or not at all.
 */
export function stickyPartitioner(): (args: PartitionerArgs) => number {
  return chosenPartitions().partitioner()
}

/** The same, for one who asks afterwards where a message went. */
export function chosenPartitions(): {
  readonly partitioner: () => (args: PartitionerArgs) => number
  readonly partitionOf: (message: Message) => number | undefined
} {
  const chosen = new WeakMap<Message, number>()
  const partitioner = () => {
    const choose = Partitioners.DefaultPartitioner()
    return (args: PartitionerArgs) => {
      const partition = chosen.get(args.message) ?? choose(args)
      chosen.set(args.message, partition)
      return partition
    }
  }
  return { partitioner, partitionOf: (message) => chosen.get(message) }
}
