import {Box, Text, Transform} from 'ink';
import SelectInput from 'ink-select-input';
import type {WaitingState} from '../auth/login/login.ts';
import {wrapWords} from '../components/fit.ts';
import {TextField} from '../components/text-field.tsx';
import {loginStep} from '../keymap.ts';
import {shownAgent} from '../ui/rows.ts';
import type {LoginView, UiState} from '../ui/state.ts';
import {span} from '../words.ts';
import type {ScreenProps} from './screen.ts';

type Running = Extract<LoginView, {stage: 'running'}>;

/** A login: choice of provider, link, waiting, paste, outcome. */
export default function LoginScreen({state, height}: ScreenProps) {
	return (
		<Box flexDirection="column" height={height} overflow="hidden">
			{state.login.stage === 'choosing' ? (
				<Choice state={state} index={state.login.index} height={height} />
			) : (
				<Attempt state={state} view={state.login} />
			)}
		</Box>
	);
}

function Choice({
	state,
	index,
	height,
}: {
	readonly state: UiState;
	readonly index: number;
	readonly height: number;
}) {
	const items = state.providers.map(({id, label, origin}) => ({
		key: id,
		value: id,
		label: `${label}${origin === 'plugin' ? '  (plugin)' : ''}`,
	}));
	return (
		<Box flexDirection="column" paddingX={2}>
			<Text wrap="truncate">
				{'Log an account in for the agent '}
				<Text bold>{shownAgent(state)?.id ?? '–'}</Text>
				<Text dimColor>{state.snapshot.agents.length > 1 ? '   ← → other agents' : ''}</Text>
			</Text>
			<Box marginTop={1}>
				{/* Drawn anew for each place: it keeps a place of its own, and its keys get lost when they come fast. */}
				<SelectInput
					key={index}
					items={items}
					initialIndex={index}
					isFocused={false}
					limit={Math.max(1, height - 5)}
				/>
			</Box>
			<Box marginTop={1}>
				<Text dimColor wrap="truncate">
					{state.surroundings.browser
						? 'A browser opens.'
						: `No browser opens: ${state.surroundings.whyNot}. You get a link, and can paste the address it ends at.`}
				</Text>
			</Box>
		</Box>
	);
}

function Attempt({state, view}: {readonly state: UiState; readonly view: Running}) {
	const login = view.login.state();
	const width = state.size.columns;
	const provider = view.login.provider.label;
	return (
		<Box flexDirection="column">
			<Text wrap="truncate">
				{`  ${provider} for the agent `}
				<Text bold>{view.login.agentId}</Text>
				{view.request.profileId ? ` as ${view.request.profileId}` : ''}
			</Text>
			{login.step === 'preparing' && <Lines text="Asking the authorization server…" width={width} />}
			{login.step === 'waiting' && <Waiting state={state} view={view} login={login} />}
			{login.step === 'exchanging' && <Lines text="Finishing the login…" width={width} />}
			{login.step === 'done' && (
				<Lines
					text={`✓ Logged in. ${login.result.profileId} is stored${login.result.expires ? `, good for ${span(login.result.expires - state.now)} and then refreshed` : ''}.`}
					width={width}
					color="green"
				/>
			)}
			{login.step === 'failed' && (
				<>
					<Lines text={`✗ ${login.error.message}`} width={width} color="red" />
					<Lines text={`${login.error.next} Press r for another try.`} width={width} />
				</>
			)}
			{login.step === 'cancelled' && (
				<Lines text="Cancelled. Nothing was stored. Press r for another try." width={width} />
			)}
		</Box>
	);
}

function Waiting({
	state,
	view,
	login,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly login: WaitingState;
}) {
	const width = state.size.columns;
	const port = new URL(login.redirectUri).port;
	const {forward} = state.surroundings;
	return (
		<Box flexDirection="column">
			<Text wrap="truncate" dimColor>
				{login.browser === 'opened'
					? '  If no page came up in your browser, open this link:'
					: '  Open this link in a browser:'}
			</Text>
			<Link url={login.url} width={width} />
			<Text wrap="truncate">
				{login.listening
					? `  … waiting for the browser on ${login.redirectUri} (${span(login.until - state.now, 'fine')} left)`
					: `  ! port ${port} is taken: paste the address of the browser's last page (${span(login.until - state.now, 'fine')} left)`}
			</Text>
			{forward && login.listening && (
				<Text wrap="truncate" dimColor>
					{`  on your own machine: ${forward(port)}`}
				</Text>
			)}
			<Box>
				<Text>{'  > '}</Text>
				{view.field ? (
					<TextField field={view.field} placeholder="paste it, then Enter" width={width - 5} />
				) : (
					<Text dimColor wrap="truncate">
						or paste the address that the browser ends at
					</Text>
				)}
			</Box>
			{view.note !== undefined && loginStep(state) === 'waiting' && (
				<Lines text={`! ${view.note}`} width={width} color="magenta" />
			)}
		</Box>
	);
}

/**
 * The whole link, from edge to edge and with nothing beside it, so that it can be copied off the screen.
 * Each row is the same hyperlink (OSC 8): terminals that know them open it wherever it is clicked.
 */
function Link({url, width}: {readonly url: string; readonly width: number}) {
	const rows = Array.from({length: Math.ceil(url.length / width)}, (_, row) =>
		url.slice(row * width, (row + 1) * width),
	);
	return (
		<Box flexDirection="column">
			{rows.map((row, index) => (
				<Transform
					key={row + String(index)}
					transform={text => `\u001b]8;id=login;${url}\u0007${text}\u001b]8;;\u0007`}
				>
					<Text wrap="truncate" underline>
						{row}
					</Text>
				</Transform>
			))}
		</Box>
	);
}

function Lines({
	text,
	width,
	color,
}: {
	readonly text: string;
	readonly width: number;
	readonly color?: string;
}) {
	return wrapWords(text, width - 4).map(line => (
		<Text key={line} wrap="truncate" {...(color ? {color} : {})}>
			{`  ${line}`}
		</Text>
	));
}
