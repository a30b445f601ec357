/** What a person reads when `dev` is up: where things are, and what to do next. */
import type { Plan } from '../workflow/plan.ts'
import type { DevFile } from './dev-folder.ts'
import { paintFor } from './paint.ts'

export function readyMessage(file: DevFile, plans: readonly Plan[]): string {
  const paint = paintFor(process.stdout)
  const topic = plans.find(({ on }) => on.kafka)?.on.kafka?.topic ?? 'TOPIC'
  return `
${paint('bold', 'millrace is ready.')}

  Kafka       ${file.kafkaBrokers}
  Postgres    ${file.databaseUrl}${file.registryUrl === null ? '' : `\n  registry    ${file.registryUrl}`}
  health      ${file.httpUrl}/readyz
  workflows   ${plans.map(named).join(', ') || 'none yet: save one and it is taken at once'}

  publish     millrace publish ${topic} --data '{"hello":"world"}'
  look        millrace list
  query       psql '${file.databaseUrl}' -c 'select * from millrace.transactions'

  Files below the workflows' folder are read again when you save them. Ctrl-C stops everything; data is kept.

`
}

function named(plan: Plan): string {
  const { kafka, http } = plan.on
  const ways = [
    ...(kafka ? [`topic ${kafka.topic}`] : []),
    ...(http ? [`${http.methods.join(', ')} ${http.path}`] : []),
  ]
  return `${plan.name} (${ways.join('; ') || 'called'})`
}
