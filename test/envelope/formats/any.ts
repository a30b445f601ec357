/** Values that a format can say, for property tests. */
import type { Json } from '../../../src/envelope/json.ts'
import { fc } from '../../support/fuzz.ts'

/** Texts that the ledger can hold, names such as `__proto__` among them. */
export const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((each) => !/\0|\p{Surrogate}/u.test(each)),
  fc.constantFrom('__proto__', 'constructor', 'true', 'null', '1', '0x1f', '~', '- a', 'a: b', '<<', '', ' ', '"', "'"),
)

export const number = fc.oneof(
  fc.maxSafeInteger().map((each) => each + 0),
  fc.bigInt(2n ** 53n, 2n ** 63n - 1n),
  fc.bigInt(-(2n ** 63n), -(2n ** 53n)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((each) => !Number.isInteger(each)),
)

const leaf: fc.Arbitrary<Json> = fc.oneof(text, number, fc.boolean(), fc.constant(null))

/** Not such as stand for bytes. */
function isPlain(value: { [name: string]: Json }): boolean {
  return !Object.hasOwn(value, 'base64')
}

export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.uint8Array({ maxLength: 12 }).map((bytes) => ({ base64: Buffer.from(bytes).toString('base64') })),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5 }).filter(isPlain),
  ),
})).value

const xmlName = fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,6}$/)
/** A carriage return is written as a reference, and white space alone beside elements is nobody's. */
const xmlText = text.filter((each) => !/[\p{Cc}\ufffe\uffff]/u.test(each.replaceAll(/[\t\n\r]/g, '')))

export const xml: fc.Arbitrary<Json> = fc
  .tuple(
    xmlName,
    fc.letrec<{ element: Json; fields: Json }>((tie) => ({
      element: fc.oneof({ maxDepth: 3 }, xmlText, tie('fields')),
      fields: fc
        .tuple(
          fc.dictionary(xmlName, fc.oneof(tie('element'), fc.array(tie('element'), { minLength: 2, maxLength: 3 })), {
            minKeys: 1,
            maxKeys: 3,
          }),
          fc.dictionary(
            xmlName.map((name) => `@${name}`),
            xmlText,
            { maxKeys: 2 },
          ),
        )
        .map(([children, attributes]) => ({ ...attributes, ...children })),
    })).element,
  )
  .map(([name, element]) => ({ [name]: element }))

export const form: fc.Arbitrary<Json> = fc.dictionary(
  text,
  fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 4 })),
  { maxKeys: 5 },
)

export const csv: fc.Arbitrary<Json> = fc.array(text, { minLength: 1, maxLength: 6 })
