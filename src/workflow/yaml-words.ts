/** The YAML library's errors, and what a workflow file may not hold, in the words of our problems. */
import { limits } from './limits.ts'
import { type Finding, finding, shorten } from './problem.ts'

export function explainYaml(error: { readonly code: string; readonly message: string }): Finding {
  const [, , expected, fix] = words.find(([code, when]) => code === error.code && when.test(error.message)) ?? otherwise
  const message = shorten(error.message.charAt(0).toLowerCase() + error.message.slice(1), 160)
  return { code: 'yaml_syntax', message: `the YAML is broken: ${message}`, expected, fix }
}

const any = /^/
const quotes = 'put the whole value in quotes if it holds ": ", "#" or begins with a sign'
const indent = 'indent with spaces, the same number for everything at one level'

/** The library's code, a part of its message, what was expected, the likely fix. The first that fits is taken. */
const words: readonly (readonly [code: string, when: RegExp, expected: string, fix: string])[] = [
  ['BLOCK_AS_IMPLICIT_KEY', any, 'one "name: value" on a line', quotes],
  ['UNEXPECTED_TOKEN', any, 'the end of the value', quotes],
  ['MISSING_CHAR', any, 'a closing bracket, quote or colon', 'add what is missing'],
  ['BAD_INDENT', /^Flow/, 'a closing bracket', 'close the bracket that was opened before this place'],
  ['BAD_INDENT', any, 'lines that begin under each other', indent],
  ['TAB_AS_INDENT', any, 'spaces', indent],
  ['BAD_ALIAS', any, 'a value', 'put a value that begins with * or & in quotes'],
  ['BAD_SCALAR_START', any, 'a value', 'put a value that begins with @, ` or % in quotes'],
  ['MULTILINE_IMPLICIT_KEY', any, 'a key on one line', 'write "name: value", with a blank behind the colon'],
  ['BLOCK_IN_FLOW', any, 'values with commas between them', 'close the bracket before the next line'],
  ['BAD_DQ_ESCAPE', any, 'an escape that YAML knows', 'use single quotes, or double the backslash'],
]

const unstorable = 'the text holds a NUL or half a surrogate pair'
const quoteTag = 'put a value that begins with ! in quotes'

const otherwise = ['', any, 'well-formed YAML 1.2', quotes] as const

export const refusals = {
  depth: finding(
    'limit',
    'maps and lists are nested too deep',
    `at most ${limits.depthMax} levels`,
    'flatten what is inside',
  ),
  directive: finding('yaml_directive', 'the file has a YAML directive', 'plain YAML 1.2', 'remove the line with %'),
  documents: finding('yaml_documents', 'a second document begins here', 'one workflow in a file', 'split the file'),
  anchor: finding('yaml_anchor', 'anchors and aliases are not allowed', 'the value itself', 'repeat the value'),
  merge: finding('yaml_merge', 'the merge key << is not allowed', 'the fields themselves', 'repeat the fields'),
  key: finding('yaml_key', 'a key is not a text', 'a name before the colon', 'write a name, in quotes if need be'),
  number: finding('yaml_number', 'the number is infinite or none', 'a number that JSON has', 'write it as a text'),
  characters: finding('yaml_characters', unstorable, 'text that a database can store', 'remove the escape'),
  tag: (tag: string) => finding('yaml_tag', `"${shorten(tag)}" reads as a YAML tag`, 'a value', quoteTag),
  duplicate: (name: string) =>
    finding('yaml_duplicate', `"${shorten(name)}" is there twice`, 'each name once in a map', 'remove one of them'),
}
