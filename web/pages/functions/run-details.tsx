import { Drawer } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { patchbay } from '../../client.ts'
import { durationOf } from '../../parts/call-summary.ts'
import { CopyText } from '../../parts/copy.tsx'
import { Fact, MemberName } from '../../parts/invocation-details.tsx'
import { RowsLoading } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { exactTime } from '../../parts/time.tsx'
import facts from '../../parts/facts.module.css'
import { CodeBox } from '../connection/code-box.tsx'
import { memberTexts, prettyJson } from '../connection/raw-json.ts'
import { workWords } from './argument-values.ts'
import { outputOf } from './run-output.ts'
import { OutputView } from './run-outcome.tsx'
import { doorWords, RunStatus } from './run-status.tsx'
import classes from './run-log.module.css'

/** A run, and the members of its answer as they were written: numbers keep their digits. */
async function wholeRun(id: string) {
  let text = '{}'
  const run = await patchbay.functions.getRun(id, { onText: received => (text = received) })
  return { run, texts: memberTexts(text) }
}

/** One run of the log: what it was given, what it said, and what it gave back. */
export const RunDetails = ({ id, onClose }: { readonly id: string; readonly onClose: () => void }) => {
  const run = useQuery({
    queryKey: ['functions', 'run', id],
    queryFn: () => wholeRun(id),
    staleTime: 300_000,
    refetchInterval: query => (query.state.data?.run.status === 'running' ? 3_000 : false),
  })
  const one = run.data?.run
  const given = prettyJson(run.data?.texts.get('arguments') ?? '{}') ?? '{}'
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title={one ? `Run of ${one.function}` : 'Run'}>
      {run.error && <ProblemNote error={run.error} retry={() => run.refetch()} />}
      {run.isPending && <RowsLoading rows={4} />}
      {one && (
        <>
          <dl className={facts.facts}>
            <Fact term="Status">
              <RunStatus status={one.status} />
            </Fact>
            {one.error !== null && (
              <Fact term={one.error.line > 0 ? `Error, line ${one.error.line}` : 'Error'}>
                <span className={`outside ${classes.said}`}>{one.error.message}</span>
              </Fact>
            )}
            <Fact term="When">{exactTime(one.started_at)}</Fact>
            <Fact term="Who">
              <span className="outside">{one.user?.name ?? one.user?.id ?? 'Nobody'}</span>
              {one.on_behalf_of !== null && one.on_behalf_of !== one.user?.id && (
                <>
                  {' for '}
                  <MemberName id={one.on_behalf_of} />
                </>
              )}
              , {doorWords[one.door]}
            </Fact>
            <Fact term="Revision">{one.revision}</Fact>
            <Fact term="Work">
              {one.status === 'running'
                ? 'Under way: what it says and gives stands here when it has ended.'
                : `${durationOf(one.duration_ms)}, ${workWords(one)}`}
            </Fact>
            <Fact term="Run id">
              <CopyText value={one.id} label="the run’s id" />
            </Fact>
          </dl>
          <h3 className={classes.drawerPart}>Arguments</h3>
          {given === '{}' || given === 'null' ? (
            <p className={classes.quiet}>None.</p>
          ) : (
            <CodeBox code={given} label="arguments" height={240} />
          )}
          <h3 className={classes.drawerPart}>Info</h3>
          {one.info.length === 0 ? (
            <p className={classes.quiet}>It said nothing.</p>
          ) : (
            <CodeBox code={one.info.join('\n')} label="info" height={280} />
          )}
          {one.error === null && one.status === 'success' && (
            <>
              <h3 className={classes.drawerPart}>Output</h3>
              <OutputView output={outputOf(run.data?.texts.get('output') ?? 'null')} />
            </>
          )}
        </>
      )}
    </Drawer>
  )
}
