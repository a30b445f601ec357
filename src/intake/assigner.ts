/**
 * Our assigner as kafkajs wants it. Every member says what it holds in its subscription; whoever the group has made its
 * leader decides. It goes by two names: the second is the client's own round robin, which earlier coordinators have alone,
 * so that a group of both has a protocol in common; they claim nothing, and share out in turn when one of them leads.
 */
import kafkajs, { type Cluster, type PartitionAssigner } from 'kafkajs'
import { assign, type Claim, type GroupMember } from './assignment.ts'
import { decodeClaim, encodeClaim } from './claim.ts'
import type { Partition } from './partition.ts'

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

export const protocolNames = ['millrace-sticky', 'RoundRobinAssigner'] as const

/** `claim` is asked at each join. */
export function assigners(claim: () => Claim): PartitionAssigner[] {
  return protocolNames.map((name) => assigner(name, claim))
}

function assigner(name: string, claim: () => Claim): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version: 0,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version: 0, topics, userData: encodeClaim(claim()) }),
    }),
    async assign({ members }) {
      const group = members.map(memberOf)
      const topics = new Set(group.flatMap((member) => member.topics))
      const shares = assign(group, await partitionsOf(topics, cluster))
      return [...shares].map(([memberId, share]) => ({ memberId, memberAssignment: encode(share) }))
    },
  })
}

function memberOf({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): GroupMember {
  const decoded = MemberMetadata.decode(memberMetadata)
  return { id: memberId, topics: decoded?.topics ?? [], claim: decodeClaim(decoded?.userData ?? null) }
}

function encode(share: readonly Partition[]): Buffer {
  const assignment: Record<string, number[]> = {}
  for (const { topic, partition } of share) assignment[topic] = [...(assignment[topic] ?? []), partition]
  return MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) })
}

async function partitionsOf(topics: ReadonlySet<string>, cluster: Cluster): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>()
  for (const topic of topics) {
    const known = cluster.findTopicPartitionMetadata(topic)
    const metadata = known.length > 0 ? known : await askFor(topic, cluster)
    if (metadata.length > 0)
      found.set(
        topic,
        metadata.map((each) => each.partitionId),
      )
  }
  return found
}

/**
 * A topic that others of the group read and we do not. It is asked for by itself: the client asks again and again for
 * its own topics, and gets none of them when one is deleted. A topic that is not there is shared out to nobody.
 */
async function askFor(topic: string, cluster: Cluster) {
  for (const nodeId of cluster.getNodeIds()) {
    try {
      const broker = await cluster.findBroker({ nodeId: String(nodeId) })
      const { topicMetadata } = await broker.metadata([topic])
      return topicMetadata.find((each) => each.topic === topic)?.partitionMetadata ?? []
    } catch (error) {
      if ((error as { type?: unknown }).type === 'UNKNOWN_TOPIC_OR_PARTITION') return []
    }
  }
  return []
}
