/**
 * A small workflow of the film's constructs, for faults that strike many times: branches of which the first counts, items
 * that are charged and can be undone, a sleep, an event for all who wait and one for the first alone, a choice, a call.
 */
import type { Message, TopicMessages } from 'kafkajs'
import { expectHeader } from '../events.ts'
import { type Project, writeFiles } from '../project.ts'
import { errandFunctions } from './errand-functions.ts'

/** How it is to end, as the record's header says it. */
const fates = ['completed', 'compensated unlucky', 'compensated declined', 'compensated child_unlucky'] as const

/** Few enough that transactions stand behind each other. */
const accounts = 30
const desks = 4
/** So many events after its own comes what a transaction waits for, where that is not there before. */
const lateBy = 30
/** More tickets than are needed at each desk: of what a producer sends twice each is a transaction. */
const spareTickets = 40

export const goesOf = (topic: string): string => `${topic}.go`
export const ticketsOf = (topic: string): string => `${topic}.ticket`

export const errands: Project = {
  workflows: ['errand'],
  functionsEnv: 'PROVIDER_URL,FAULTS_DIR',
  topics: (topic) => [goesOf(topic), ticketsOf(topic)],
  write: (dir, topic) => writeFiles(dir, { ...workflowFiles(topic), ...errandFunctions }),
  beside: (n, topic) => [...(n % 2 === 0 ? late(n - lateBy, topic) : goFor(n, topic))],
  behind: (published, topic) => [
    ...Array.from({ length: lateBy + 1 }, (_, at) => late(published - lateBy + at, topic)).flat(),
    { topic: ticketsOf(topic), messages: Array.from({ length: desks * spareTickets }, (_, n) => ticket(n)) },
  ],
}

export function errandOf(n: number): Message {
  const fate = fates[n % 10 < 6 ? 0 : 1 + (n % 3)] as string
  const parties = [0, 1, 2].map((at) => {
    const card = fate === 'compensated declined' && at === 1 ? 'card_declined' : 'card_ok'
    return { account: `${card}_${n}_${at}`, amount: 100 + at }
  })
  const calls = n % 4 < 2 || fate === 'compensated child_unlucky'
  const dies = n % 50 === 20 ? 'before' : n % 50 === 45 ? 'after' : 'no'
  const data = { n, account: `account-${n % accounts}`, desk: `desk-${n % desks}`, dies, fate, parties, calls }
  const headers = { [expectHeader]: fate, ce_specversion: '1.0', ce_id: `errand-${n}`, ce_type: 'test.errand' }
  return { key: data.account, value: JSON.stringify(data), headers: { ...headers, ce_source: '/faults' } }
}

/** What this one waits for: the event of its number, and a ticket of its desk. */
export function goFor(n: number, topic: string): TopicMessages[] {
  const go = { key: String(n), value: JSON.stringify({ n }) }
  return [
    { topic: goesOf(topic), messages: [go] },
    { topic: ticketsOf(topic), messages: [ticket(n)] },
  ]
}

function late(n: number, topic: string): TopicMessages[] {
  return n >= 0 && n % 2 === 0 ? goFor(n, topic) : []
}

function ticket(n: number): Message {
  return { key: `of-${n}`, value: JSON.stringify({ desk: `desk-${n % desks}` }) }
}

const workflowFiles = (topic: string): Readonly<Record<string, string>> => ({
  'errand.yaml': `
name: errand
on: { kafka: { topic: ${topic} } }
key: event.data.account
signals:
  ${ticketsOf(topic)}: { key: event.data.desk, take: first }
steps:
  - id: look
    parallel:
      near: [{ id: near, uses: look, with: { ms: 10 } }]
      far: [{ id: far, uses: look, with: { ms: 2000 } }]
    join: any
  - id: take_all
    forEach: event.data.parties
    as: party
    atOnce: 2
    steps:
      - id: take
        uses: move
        with:
          account: \${{ party.account }}
          amount: \${{ party.amount }}
          dies: "\${{ party_index == 1 ? event.data.dies : 'no' }}"
        retry: { attempts: 20, initial: 50ms, max: 500ms }
        compensate: { uses: unmove, with: {}, retry: { attempts: 20, initial: 50ms, max: 500ms } }
  - id: nap
    sleep: 500ms
  - id: go
    wait: { topic: ${goesOf(topic)}, key: event.data.n, timeout: 90s }
  - id: ticket
    wait: { topic: ${ticketsOf(topic)}, key: event.data.desk, timeout: 90s }
  - id: route
    switch:
      - when: event.data.calls
        steps:
          - id: sub
            call: errand-sub
            with: { n: "\${{ event.data.n }}", fate: "\${{ event.data.fate }}" }
      - steps:
          - id: own
            uses: move
            with: { account: "card_ok_\${{ event.data.n }}_own", amount: 7, dies: 'no' }
            retry: { attempts: 20, initial: 50ms, max: 500ms }
            compensate: { uses: unmove, with: {}, retry: { attempts: 20, initial: 50ms, max: 500ms } }
  - id: finish
    uses: finish
    with: { fate: "\${{ event.data.fate }}", unlucky: 'compensated unlucky' }
    retry: { attempts: 3, initial: 50ms }
`,
  'errand-sub.yaml': `
name: errand-sub
steps:
  - id: fetch
    uses: move
    with: { account: "card_ok_\${{ event.data.n }}_sub", amount: 11, dies: 'no' }
    retry: { attempts: 20, initial: 50ms, max: 500ms }
    compensate: { uses: unmove, with: {}, retry: { attempts: 20, initial: 50ms, max: 500ms } }
  - id: rest
    sleep: 300ms
  - id: bring
    uses: finish
    with: { fate: "\${{ event.data.fate }}", unlucky: 'compensated child_unlucky' }
    retry: { attempts: 3, initial: 50ms }
`,
})
