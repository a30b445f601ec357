/** What of the coordinator's environment a worker process sees: nothing that is not on a list. */
const always = /^(PATH|HOME|LANG|LC_[A-Z]+|TZ|TMPDIR)$/

/**
 * `names` are those the operator allows besides. So no credential of the coordinator reaches an author's code by
 * accident, and nothing like NODE_EXTRA_CA_CERTS, which triples Node's start.
 */
export function scrubbed(names: readonly string[], from: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const allowed = new Set(names)
  const kept = Object.entries(from).filter(
    ([name, value]) => value !== undefined && (always.test(name) || allowed.has(name)),
  )
  return Object.fromEntries(kept) as Record<string, string>
}
