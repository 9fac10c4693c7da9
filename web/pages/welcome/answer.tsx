import { Group, Text } from '@mantine/core'
import type { InvokeAnswer } from '../../../sdk/index.ts'
import { CopyIcon } from '../../parts/copy.tsx'
import classes from './welcome.module.css'

interface Answered {
  readonly answer: InvokeAnswer
  readonly linkName: string
  readonly url: string
}

const curlOf = (linkName: string, url: string): string =>
  [
    `curl ${window.location.origin}/api/v1/invoke \\`,
    '  -H "Authorization: Bearer $PATCHBAY_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify({ connection: linkName, url, type: 'GET' })}'`,
  ].join('\n')

/** What came back, and the same call from a shell. */
export const Answer = ({ answer, linkName, url }: Answered) => {
  const curl = curlOf(linkName, url)
  return (
    <div className={classes.answer} role="status">
      <Text size="sm" className="tabular">
        Answered <strong>{answer.status_code}</strong> in {answer.duration_ms} ms
      </Text>
      <pre className={classes.code} tabIndex={0} aria-label="The answer">
        {typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body, null, 2)}
      </pre>
      <Text size="sm" c="dimmed">
        The practice service repeats what it received. It did receive a credential, <code>authorization</code>, and shows only its hash:
        neither you nor your code has seen it.
      </Text>
      <Group justify="space-between" mt="sm" wrap="nowrap">
        <Text fw={500}>The same from your own code</Text>
        <CopyIcon value={curl} label="Copy the command" />
      </Group>
      <pre className={classes.code} tabIndex={0} aria-label="The same call with curl">
        {curl}
      </pre>
    </div>
  )
}
