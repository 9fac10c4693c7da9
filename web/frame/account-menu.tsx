import { Menu, UnstyledButton, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { IconChevronDown, IconDeviceDesktop, IconKeyboard, IconLogout, IconMoon, IconSettings, IconSun } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import type { Me } from '../../sdk/index.ts'
import { forgetTab, patchbay } from '../client.ts'
import { tellProblem } from '../parts/problem.tsx'
import { showShortcuts } from './shortcuts.tsx'
import classes from './account-menu.module.css'

const schemes = [
  ['light', 'Light', IconSun],
  ['dark', 'Dark', IconMoon],
  ['auto', 'As the system', IconDeviceDesktop],
] as const

const signOut = async () => {
  try {
    await patchbay.session.signOut()
    forgetTab()
    window.location.assign('/sign-in')
  } catch (error) {
    tellProblem(error)
  }
}

/** Who is signed in: appearance, keyboard, settings, sign out. */
export const AccountMenu = ({ me }: { readonly me: Me }) => {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const navigate = useNavigate()
  const name = me.user.name || me.user.email
  return (
    <Menu position="bottom-end" width={220} withinPortal={false}>
      <Menu.Target>
        <UnstyledButton className={classes.target ?? ''} aria-label={`Your account, ${name}`}>
          <span className={`outside ${classes.name}`}>{name}</span>
          <IconChevronDown size={14} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.who}>
          <span className="outside">{me.user.email}</span>
          <span>{me.role}</span>
        </div>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        <Menu.RadioGroup value={colorScheme} onChange={chosen => setColorScheme(chosen as MantineColorScheme)}>
          {schemes.map(([scheme, label, Icon]) => (
            <Menu.RadioItem key={scheme} value={scheme} rightSection={<Icon size={15} />}>
              {label}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={showShortcuts}>
          Keyboard
        </Menu.Item>
        <Menu.Item leftSection={<IconSettings size={15} />} onClick={() => void navigate({ to: '/settings' })}>
          Settings
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
