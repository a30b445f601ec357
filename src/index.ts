/** The public names: what `import … from 'millrace'` gives to the author of functions. */
export { z } from 'zod'
export {
  type Authenticated,
  type AuthenticationInput,
  type Context,
  defineFunction,
  type FunctionDefinition,
  type Log,
  type Message,
  type MessageEvent,
  type MessageFormat,
  type Posting,
} from './function/define.ts'
export { type Failure, fail, retry } from './function/outcome.ts'
