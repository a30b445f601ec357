/**
 * What is asked for, in one shape whatever format it came in: XML has a root element, and all that stands in it is text.
 */
import { defineFunction, z } from 'millrace'

const place = z.coerce.number()

const request = z.object({
  viewer: z.object({ id: z.string(), country: z.string(), lat: place, lng: place, language: z.string() }),
  film: z.object({ id: z.string() }),
  site: z.object({ id: z.string() }),
  payment: z.object({ card: z.string() }),
})

export default defineFunction({
  effects: 'none',
  input: z.object({ data: z.union([request, z.object({ request })]) }),
  output: request,
  run: ({ input: { data } }) => ('request' in data ? data.request : data),
})
