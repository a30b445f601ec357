/** A site whose requests are Avro: it registers its schema, as producers do, and writes by it. */
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import type { ToAvro } from './world/requests.ts'

const text = (...names: string[]) => names.map((name) => ({ name, type: 'string' }))
const place = (...names: string[]) => names.map((name) => ({ name, type: 'double' }))
const record = (name: string, fields: readonly object[]) => ({ type: 'record', name, fields })

const schema = record('VideoRequested', [
  {
    name: 'viewer',
    type: record('Viewer', [...text('id', 'city', 'country'), ...place('lat', 'lng'), ...text('language')]),
  },
  { name: 'film', type: record('Film', text('id')) },
  { name: 'site', type: record('Site', text('id')) },
  { name: 'payment', type: record('Payment', text('card')) },
])

/** `subject` is what the registry calls it. */
export async function avroBy(registryUrl: string, subject: string): Promise<ToAvro> {
  const registry = new SchemaRegistry({ host: registryUrl })
  const { id } = await registry.register({ type: SchemaType.AVRO, schema: JSON.stringify(schema) }, { subject })
  return (data) => registry.encode(id, data)
}
