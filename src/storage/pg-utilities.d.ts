/** The part of node-postgres that turns JavaScript values into parameters; its own typings leave it out. */
declare module 'pg/lib/utils.js' {
  const parameters: { prepareValue(value: unknown): string | Buffer | null }
  export default parameters
}
