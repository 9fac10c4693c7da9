import { Anchor, Text } from '@mantine/core'
import { FormRow } from '../../parts/form-row.tsx'

/** Of the server that handed out this page. */
const version = document.querySelector<HTMLMetaElement>('meta[name="version"]')?.content

/** Which Patchbay this is, and where its interface is described. */
export const About = () => {
  return (
    <>
      <FormRow label="Version" group>
        {() => <Text>{version ?? 'Not known'}</Text>}
      </FormRow>
      <FormRow label="Address" help="What programs and the command line are given." group>
        {() => <code className="outside">{window.location.origin}</code>}
      </FormRow>
      <FormRow label="Documentation" group>
        {() => (
          <Anchor href="/docs" target="_blank" rel="noreferrer">
            The API, with every call to try
          </Anchor>
        )}
      </FormRow>
    </>
  )
}
