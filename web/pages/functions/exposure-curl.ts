import type { Parameter } from './argument-values.ts'

/** Safe in single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const data = (parameters: readonly Parameter[]): string[] =>
  parameters
    .filter(({ name }) => name.toLowerCase() !== 'crmapirequest')
    .map(
      ({ name, type }) =>
        `  ${type?.toLowerCase() === 'file' ? `-F ${quoted(`${name}=@file`)}` : `--data-urlencode ${quoted(`${name}=…`)}`}`,
    )

const command = (first: string, more: readonly string[]): string => [first, ...more].join(' \\\n')

/** The address holds the key. */
export const keyedCurl = (url: string, parameters: readonly Parameter[]): string => command(`curl -X POST ${quoted(url)}`, data(parameters))

/** The key stays out of it, for it would end in a shell's history. */
export const memberCurl = (url: string, parameters: readonly Parameter[]): string =>
  command(`curl -X POST ${quoted(url)}`, ['  -H "Authorization: Bearer $PATCHBAY_API_KEY"', ...data(parameters)])
