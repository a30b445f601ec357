/** In which format values are written, and what they must be, as a workflow file says it. */
import { z } from 'zod'
import { limits } from '../limits.ts'

export type FormatFile = z.infer<ReturnType<typeof formatField>>

const kinds = [
  'json',
  'json5',
  'yaml',
  'xml',
  'csv',
  'form',
  'msgpack',
  'cbor',
  'avro',
  'protobuf',
  'json-schema',
  'raw',
] as const

const formatExpected = `one of ${kinds.join(', ')}, or a map with csv or avro`
const fileExpected = 'a file beside this one, such as schemas/click.json: a path without .. and backslashes'
const columnsExpected = 'a list of names for the fields, in their order'
const delimiterExpected = 'one character that is neither a quotation mark nor a line break'

/** Relative to the workflow file, and never out of its folder. */
export function besideFile() {
  return z
    .string(fileExpected)
    .max(limits.usesCharsMax, fileExpected)
    .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[\w. /@+-]+$/, fileExpected)
}

const csvModel = z.strictObject(
  {
    columns: z
      .array(z.string(columnsExpected).min(1, columnsExpected), columnsExpected)
      .min(1, columnsExpected)
      .max(limits.columnsMax, `at most ${limits.columnsMax} columns`)
      .refine((names) => new Set(names).size === names.length, 'names of which each is there once')
      .optional()
      .describe('The names of the fields, in their order. Without it, the value is a list.'),
    delimiter: z
      .string(delimiterExpected)
      .regex(/^[^"\r\n]$/u, delimiterExpected)
      .default(',')
      .describe('What stands between fields.'),
  },
  'a map with columns, delimiter',
)

const avroModel = z.strictObject(
  { schema: besideFile().describe('The schema of bare values: an .avsc file beside this one.') },
  'a map with schema',
)

export function formatField() {
  return z
    .union(
      [
        z.enum(kinds, formatExpected),
        z
          .strictObject(
            {
              csv: csvModel.optional().describe('Lines of CSV, and what is to be known of them.'),
              avro: avroModel.optional().describe('Bare Avro by a schema of a file.'),
            },
            formatExpected,
          )
          .refine(hasOne, formatExpected),
      ],
      formatExpected,
    )
    .optional()
}

/** Not both; what else is there, or nothing, is told as such. */
function hasOne(file: object): boolean {
  return Object.values(file).filter((each) => each !== undefined).length < 2
}

const subjectExpected = 'the name of a subject in the schema registry'
const versionExpected = 'latest, or a number from 1'

const subjectFields = {
  subject: z
    .string(subjectExpected)
    .min(1, subjectExpected)
    .max(limits.subjectCharsMax, subjectExpected)
    .optional()
    .describe('Under which the registry has the schema. Without it, the topic and -value.'),
  version: z
    .union([z.literal('latest'), z.int(versionExpected).min(1, versionExpected)], versionExpected)
    .default('latest')
    .describe('Which version of the schema: a number, or the latest there is when the message is published.'),
}

const subjectModel = z.strictObject(subjectFields, 'a map with subject, version')
const protobufModel = z.strictObject(
  {
    ...subjectFields,
    message: z
      .string()
      .regex(/^[A-Za-z_][\w.]*$/, 'a name of a message type')
      .optional()
      .describe('Of several messages in the schema, which. Without it, the first.'),
  },
  'a map with subject, version, message',
)

export type MessageFormatFile = z.infer<ReturnType<typeof messageFormatField>>

const messageFormatExpected = `one of ${kinds.join(', ')}, or a map with csv, avro, protobuf or json-schema`

/** How a message is written; by a schema of a registry, where it has one. */
export function messageFormatField() {
  return z
    .union(
      [
        z.enum(kinds, messageFormatExpected),
        z
          .strictObject(
            {
              csv: csvModel.optional().describe('Lines of CSV, and what is to be known of them.'),
              avro: z
                .union([avroModel, subjectModel], 'a map with schema, or with subject, version')
                .optional()
                .describe('Bare Avro by a file beside this one, or by a schema of the registry.'),
              protobuf: protobufModel.optional().describe('By a schema of the registry.'),
              'json-schema': subjectModel.optional().describe('By a schema of the registry.'),
            },
            messageFormatExpected,
          )
          .refine(hasOne, messageFormatExpected),
      ],
      messageFormatExpected,
    )
    .optional()
}

const schemaExpected = 'a JSON Schema: a file beside this one, or the schema itself as a map'

export function schemaField() {
  return z
    .union([besideFile(), z.record(z.string(), z.unknown(), schemaExpected)], schemaExpected)
    .optional()
    .describe('JSON Schema (2020-12) that the data must fit: a file beside this one, or the schema itself.')
}

export const eventFormat = formatField().describe(
  'How values are read: json, json5, yaml, xml, csv, form, msgpack, cbor, avro, protobuf, json-schema or raw. Without it, by content-type, else as JSON.',
)
