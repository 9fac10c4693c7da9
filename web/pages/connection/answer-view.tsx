import { Button, Table, Tabs, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconDownload, IconX } from '@tabler/icons-react'
import type { AnsweredFile } from '../../../sdk/index.ts'
import { durationOf } from '../../parts/call-summary.ts'
import { statusPhrase } from '../../parts/invocation-words.ts'
import { CodeBox } from './code-box.tsx'
import { sizeWords, type Answered, type AnsweredBody } from './try-answer.ts'
import { countWords } from '../../parts/counted-words.ts'
import classes from './try-it.module.css'

/** More than this slows a page down; the copy has everything. */
const mostShown = 300_000

function download({ content_base64, filename }: AnsweredFile): void {
  const bytes = Uint8Array.from(atob(content_base64), char => char.charCodeAt(0))
  // never the service's own type: opened instead of saved, HTML would be a page of this origin
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = filename
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

const Shown = ({ body }: { readonly body: AnsweredBody }) => {
  switch (body.kind) {
    case 'empty':
      return <Text c="dimmed">The answer has no body.</Text>
    case 'file':
      return (
        <div className={classes.file}>
          <span className="outside">
            {body.file.filename}{' '}
            <Text span c="dimmed">
              ({body.file.content_type}, {sizeWords(body.file.size)})
            </Text>
          </span>
          <Button variant="default" size="xs" leftSection={<IconDownload size={14} />} onClick={() => download(body.file)}>
            Save the file
          </Button>
        </div>
      )
    case 'json':
    case 'text': {
      const cut = body.text.length > mostShown
      return (
        <CodeBox
          code={cut ? body.text.slice(0, mostShown) : body.text}
          copied={body.text}
          label="answer"
          height={520}
          note={
            cut
              ? `The first ${countWords(mostShown, 'character')} of ${body.text.length.toLocaleString()}. Copying takes everything.`
              : undefined
          }
        />
      )
    }
  }
}

/** What the service answered: any status is an answer. */
export const AnswerView = ({ answer }: { readonly answer: Answered }) => {
  const { status, durationMs, size, headers, body } = answer
  const tone = status < 400 ? 'fine' : status < 500 ? 'refused' : 'failed'
  const Icon = status < 400 ? IconCheck : status < 500 ? IconAlertTriangle : IconX
  return (
    <section aria-label="Answer">
      <p className={`tabular ${classes.result}`} role="status">
        <span className={`${classes.status} ${classes[tone]}`}>
          <Icon size={16} aria-hidden />
          {status} {statusPhrase(status)}
        </span>
        <span>{durationOf(durationMs)}</span>
        <span>{sizeWords(size)}</span>
      </p>
      <Tabs defaultValue="body" keepMounted={false}>
        <Tabs.List aria-label="Parts of the answer">
          <Tabs.Tab value="body">Body</Tabs.Tab>
          <Tabs.Tab value="headers">Headers ({headers.length})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="body" pt="sm">
          <Shown body={body} />
        </Tabs.Panel>
        <Tabs.Panel value="headers" pt="sm">
          <Table verticalSpacing={4} horizontalSpacing={0} withRowBorders={false}>
            <Table.Tbody>
              {headers.map(([name, value]) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row" className={classes.headerName ?? ''}>
                    <code className="outside">{name}</code>
                  </Table.Th>
                  <Table.Td>
                    <code className="outside">{value}</code>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Tabs.Panel>
      </Tabs>
    </section>
  )
}
