/** JSON behind a schema id, held to that schema. In the dialect that the schema names; draft 7 where it names none, as registries take it. */
import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { EngineError, messageOf } from '../base/error.ts'
import { readJson } from '../envelope/formats/json.ts'
import { textOf } from '../envelope/formats/text.ts'
import { type Json, stringifyJson } from '../envelope/json.ts'
import { invalid } from './invalid.ts'

export function compileJsonSchema(
  text: string,
  references: readonly { readonly name: string; readonly text: string }[],
) {
  const check = checkOf(text, references)
  return {
    decode(payload: Buffer): Json {
      const value = readJson(textOf(payload))
      const why = check(value)
      if (why !== null) throw new EngineError('schema_mismatch', `the value does not fit its schema: ${why}`)
      return value
    },
    encode(value: Json): Buffer {
      const why = check(value)
      if (why !== null) throw new EngineError('value_not_writable', `its schema does not take the value: ${why}`)
      return Buffer.from(stringifyJson(value), 'utf8')
    },
  }
}

/** Answers why a value does not fit; null: it does. */
function checkOf(text: string, references: readonly { readonly name: string; readonly text: string }[]) {
  try {
    const schema = JSON.parse(text)
    const ajv = ajvFor(String(schema?.$schema ?? ''))
    for (const each of references) ajv.addSchema(JSON.parse(each.text), each.name)
    const validate = ajv.compile(schema)
    return (value: Json): string | null => {
      if (validate(withoutBigints(value))) return null
      const [first] = validate.errors ?? []
      return `${first?.instancePath || 'the value'} ${first?.message ?? 'is wrong'}`
    }
  } catch (cause) {
    throw invalid('JSON Schema', messageOf(cause), cause)
  }
}

/** Unknown words are passed over, as the specification has it; nothing is fetched and nothing of the value is changed. */
function ajvFor(dialect: string): Ajv {
  const options = { strict: false, logger: false, allErrors: false } as const
  const ajv = dialect.includes('2020-12')
    ? new Ajv2020(options)
    : dialect.includes('2019-09')
      ? new Ajv2019(options)
      : new Ajv(options)
  addFormats.default(ajv as Ajv)
  return ajv as Ajv
}

/** Integers beyond 2^53 are integers, whatever the validator thinks of bigints. */
function withoutBigints(value: Json): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutBigints)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutBigints(each)]))
}
