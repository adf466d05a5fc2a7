import {Box, Text, useApp, useInput, usePaste, useWindowSize} from 'ink';
import {type ComponentType, useCallback, useEffect} from 'react';
import {useStore} from 'zustand';
import {DialogBox} from './components/dialog.tsx';
import {Footer, footerHeight} from './components/footer.tsx';
import {Header} from './components/header.tsx';
import {ShownRows} from './components/shown-rows.ts';
import type {TerminalHandle} from './host/terminal.ts';
import AgentsScreen from './screens/agents.tsx';
import BrokerScreen from './screens/broker.tsx';
import DoctorScreen from './screens/doctor.tsx';
import HealthScreen from './screens/health.tsx';
import HelpScreen from './screens/help.tsx';
import ImportScreen from './screens/import.tsx';
import LogScreen from './screens/log.tsx';
import LoginScreen from './screens/login.tsx';
import OnboardScreen from './screens/onboard.tsx';
import OrderScreen from './screens/order.tsx';
import ProfilesScreen from './screens/profiles.tsx';
import type {ScreenProps} from './screens/screen.ts';
import SessionsScreen from './screens/sessions.tsx';
import type {UiContext} from './ui/context.ts';
import {isTooSmall, takeInput, takePaste} from './ui/dispatch.ts';
import {patch, type ScreenId} from './ui/state.ts';
import {turnOfDialog} from './ui/turn.ts';

const screens: Readonly<Record<ScreenId, ComponentType<ScreenProps>>> = {
	agents: AgentsScreen,
	profiles: ProfilesScreen,
	order: OrderScreen,
	health: HealthScreen,
	doctor: DoctorScreen,
	login: LoginScreen,
	sessions: SessionsScreen,
	import: ImportScreen,
	log: LogScreen,
	onboard: OnboardScreen,
	broker: BrokerScreen,
	help: HelpScreen,
};

/** The frame: header, the present screen, footer, and a question over them. The only reader of keys. */
export function App({context, terminal}: {readonly context: UiContext; readonly terminal?: TerminalHandle}) {
	const {store} = context;
	const {suspendTerminal} = useApp();
	const window = useWindowSize();
	const stored = useStore(store);
	useEffect(
		() => patch(store, {size: {columns: window.columns, rows: window.rows}}),
		[store, window.columns, window.rows],
	);
	useEffect(() => {
		if (terminal) terminal.suspend = suspendTerminal;
	}, [terminal, suspendTerminal]);
	const noteRows = useCallback(
		(page: number) => {
			if (store.getState().page !== page) patch(store, {page});
		},
		[store],
	);
	useInput((input, key) => takeInput(context, input, key));
	usePaste(text => takePaste(context, text));

	// What is drawn must fit the window that there is now, also before the state knows of it.
	const state = {...stored, size: {columns: window.columns, rows: window.rows}};
	if (isTooSmall(state)) return <TooSmall columns={window.columns} rows={window.rows} />;
	const Screen = screens[state.screen];
	const height = window.rows - 2 - footerHeight(state);
	return (
		<Box flexDirection="column" width={window.columns} height={window.rows} overflow="hidden">
			<Header state={state} />
			<Text dimColor aria-hidden>
				{'─'.repeat(window.columns)}
			</Text>
			<Box height={height} flexShrink={0} flexDirection="column" overflow="hidden">
				<ShownRows value={noteRows}>
					<Screen state={state} height={height} />
				</ShownRows>
			</Box>
			<Footer state={state} />
			{state.dialog && (
				<DialogBox
					dialog={state.dialog}
					columns={window.columns}
					rows={window.rows}
					turn={turnOfDialog(state, state.dialog)}
				/>
			)}
		</Box>
	);
}

function TooSmall({columns, rows}: {readonly columns: number; readonly rows: number}) {
	return (
		<Box width={columns} height={rows} overflow="hidden" flexDirection="column">
			<Text wrap="truncate">{`JARVIS needs 60x16, this is ${columns}x${rows}.`}</Text>
			<Text wrap="truncate">Make the window larger, or press q.</Text>
		</Box>
	);
}
