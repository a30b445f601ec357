/** What runs when the HTTP door is under the faults: charges that come as requests, beside events of Kafka. */
import { charges, filesFor, type Project, writeFiles } from '../project.ts'

/** Where the door writes them. */
export const requestsOf = (topic: string): string => `${topic}.requests`

export const doorProject: Project = {
  ...charges,
  topics: (topic) => [requestsOf(topic)],
  write: (dir, topic) => writeFiles(dir, { ...filesFor(topic), 'charge.yaml': workflow(topic) }),
}

const workflow = (topic: string) => `
name: charge
on:
  http: { path: /charges, topic: ${requestsOf(topic)} }
key: event.data.account
steps:
  - id: charge
    uses: charge
    with: { account: '\${{ event.data.account }}', dies: 'no', slow: false }
    retry: { attempts: 20, initial: 50ms, max: 500ms }
`
