import { Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../../client.ts'
import { Section } from '../../parts/form-row.tsx'
import { Page } from '../../parts/page.tsx'
import { About } from './about.tsx'
import { Account } from './account.tsx'
import { Appearance } from './appearance.tsx'
import { FunctionSettings } from './function-settings.tsx'
import { Organizations } from './organizations.tsx'
import { PasswordForm } from './password-form.tsx'
import { WhoMayCreate } from './who-may-create.tsx'

/** One's own account, the organisation, and this Patchbay. */
export const Settings = () => {
  const me = useQuery(meQuery)
  return (
    <Page title="Settings" sentence="Your account, the organisation, and this Patchbay.">
      {me.data ? (
        <>
          <Section title="Your account">
            <Account me={me.data} />
            <Appearance />
          </Section>
          <Section title="Password">
            <PasswordForm email={me.data.user.email} />
          </Section>
          <Section title="Organisation">
            <WhoMayCreate me={me.data} />
            <Organizations me={me.data} />
          </Section>
          <Section title="Functions">
            <FunctionSettings me={me.data} />
          </Section>
        </>
      ) : (
        // a failure is told by the frame
        <Stack gap="lg" role="status" aria-label="Loading">
          <Skeleton height={20} width={160} />
          <Skeleton height={36} width="60%" />
          <Skeleton height={36} width="60%" />
          <Skeleton height={36} width="45%" />
        </Stack>
      )}
      <Section title="About">
        <About />
      </Section>
    </Page>
  )
}
