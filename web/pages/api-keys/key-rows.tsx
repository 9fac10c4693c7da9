import { Button } from '@mantine/core'
import { useState } from 'react'
import type { ApiKey } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { redrawnRow, useOptimistic } from '../../parts/optimistic.ts'
import { tellDone } from '../../parts/problem.tsx'
import { exactTime, Time, useNow } from '../../parts/time.tsx'
import classes from './api-keys.module.css'

const namedAtMost = 3

/** What the key may, as sentences of few words. */
const Limits = ({ of: key }: { readonly of: ApiKey }) => {
  const { connections, invoke_only, act_as, scopes } = key
  return (
    <div className={classes.limits}>
      <span title={connections?.join(', ')}>
        {connections === null ? (
          'Every connection of its owner'
        ) : (
          <>
            Only{' '}
            {connections.slice(0, namedAtMost).map((linkName, index) => (
              <span key={linkName}>
                {index > 0 && ', '}
                <code className="outside">{linkName}</code>
              </span>
            ))}
            {connections.length > namedAtMost && ` and ${connections.length - namedAtMost} more`}
          </>
        )}
      </span>
      {invoke_only && <span>Calls only</span>}
      {scopes !== null && (
        <span>
          {scopes.every(scope => scope.startsWith('ZohoCRM.functions.')) ? 'Only calls of functions' : 'Only its scopes'}:{' '}
          <code className="outside">{scopes.join(', ')}</code>
        </span>
      )}
      {act_as && <span className={classes.strong}>May call for other members</span>}
    </div>
  )
}

const Expiry = ({ at }: { readonly at: string | null }) => {
  const now = useNow()
  if (at === null) return <>Never</>
  if (new Date(at).getTime() <= now) return <span className={classes.over}>Expired</span>
  return <Time at={at} />
}

interface Shown {
  readonly keys: readonly ApiKey[]
  readonly withOwner: boolean
}

export const KeyRows = ({ keys, withOwner }: Shown) => {
  const revoke = useOptimistic({
    mutationFn: ({ id }: ApiKey) => patchbay.apiKeys.revoke(id),
    shows: ({ id }) => [redrawnRow<ApiKey>(['api-keys'], one => (one.id === id ? null : one))],
    onDone: (_done, { name }) => tellDone(`The key ${name} is revoked.`),
  })
  const [revoking, setRevoking] = useState<ApiKey | null>(null)
  return (
    <>
      <table className={classes.table} aria-label="API keys">
        <thead>
          <tr>
            <th scope="col">Name</th>
            {withOwner && (
              <th scope="col" className={`${classes.ownerHead} ${classes.wide}`}>
                Owner
              </th>
            )}
            <th scope="col" className={classes.limitsHead}>
              May
            </th>
            <th scope="col" className={`${classes.usedHead} ${classes.wide}`}>
              Last used
            </th>
            <th scope="col" className={`${classes.expiryHead} ${classes.wide}`}>
              Expires
            </th>
            <th scope="col" className={classes.revokeHead}>
              <span className={classes.unseen}>Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map(key => (
            <tr key={key.id}>
              <th scope="row">
                <span className={`outside ${classes.name}`}>{key.name}</span>
                <code className={classes.prefix}>{key.prefix}…</code>
                <span className={classes.under}>
                  {withOwner && <span className="outside">{key.owner.name ?? key.owner.id} · </span>}
                  {key.last_used_at === null ? (
                    'never used'
                  ) : (
                    <>
                      used <Time at={key.last_used_at} />
                    </>
                  )}
                  {key.expires_at !== null && (
                    <>
                      , expires <Expiry at={key.expires_at} />
                    </>
                  )}
                </span>
              </th>
              {withOwner && (
                <td className={classes.wide}>
                  <span className="outside">{key.owner.name ?? key.owner.id}</span>
                </td>
              )}
              <td>
                <Limits of={key} />
              </td>
              <td className={classes.wide}>
                <Time at={key.last_used_at} never="Never" />
              </td>
              <td className={classes.wide}>
                <Expiry at={key.expires_at} />
              </td>
              <td className={classes.number}>
                <Button size="xs" variant="default" aria-label={`Revoke the key ${key.name}`} onClick={() => setRevoking(key)}>
                  Revoke
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Confirm
        title={`Revoke the key ${revoking?.name ?? ''}?`}
        verb="Revoke"
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        onConfirm={async () => {
          if (revoking !== null) revoke.mutate(revoking)
        }}
      >
        Every program that calls with it is refused from now on. It cannot be undone.{' '}
        {revoking &&
          (revoking.last_used_at === null ? 'It has never been used.' : `It was last used on ${exactTime(revoking.last_used_at)}.`)}
      </Confirm>
    </>
  )
}
