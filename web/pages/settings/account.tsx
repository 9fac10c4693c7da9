import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import type { Me } from '../../../sdk/index.ts'
import { forgetTab, patchbay } from '../../client.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { FormRow } from '../../parts/form-row.tsx'

/** Who is signed in, and the end of all their sessions. */
export const Account = ({ me }: { readonly me: Me }) => {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <FormRow label="Name" group>
        {() => <Text className="outside">{me.user.name}</Text>}
      </FormRow>
      <FormRow label="E-mail" group>
        {() => <Text className="outside">{me.user.email}</Text>}
      </FormRow>
      <FormRow label="Role" help={me.role === 'administrator' ? undefined : 'Administrators change it.'} group>
        {() => (
          <Text>
            {me.role === 'user' ? 'User' : me.role === 'developer' ? 'Developer' : 'Administrator'} in{' '}
            <span className="outside">{me.organization.name}</span>
          </Text>
        )}
      </FormRow>
      <FormRow label="Sessions" help="When a device was lost, or you forgot to sign out somewhere." group>
        {() => (
          <Button variant="default" onClick={() => setAsking(true)}>
            Sign out everywhere …
          </Button>
        )}
      </FormRow>
      <Confirm
        title="Sign out everywhere?"
        verb="Sign out everywhere"
        opened={asking}
        onClose={() => setAsking(false)}
        onConfirm={async () => {
          await patchbay.account.signOutEverywhere()
          forgetTab()
          window.location.assign('/sign-in')
        }}
      >
        Every session of yours ends, this one too. Your API keys and connections go on working.
      </Confirm>
    </>
  )
}
