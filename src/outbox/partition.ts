/** Which partition a message goes to: by its key as every other client does it, and the same however often it is tried. */
import { type Message, type PartitionerArgs, Partitioners } from 'kafkajs'

/**
 * The client asks anew with each try of a request, when partitions may have been added or counted on: a message that went
 * elsewhere the second time would be there twice, or not at all.
 */
export function stickyPartitioner(): (args: PartitionerArgs) => number {
  const choose = Partitioners.DefaultPartitioner()
  const chosen = new WeakMap<Message, number>()
  return (args) => {
    const partition = chosen.get(args.message) ?? choose(args)
    chosen.set(args.message, partition)
    return partition
  }
}
