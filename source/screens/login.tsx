import {Box, Text, Transform} from 'ink';
import SelectInput from 'ink-select-input';
import {clean} from '../auth/facts.ts';
import type {WaitingState} from '../auth/login/login.ts';
import {wrapWords} from '../components/fit.ts';
import {TextField} from '../components/text-field.tsx';
import {type Tone, tones} from '../components/theme.ts';
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
				<Attempt state={state} view={state.login} height={height} />
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
		label: `${clean(label)}${origin === 'plugin' ? '  (plugin)' : ''}`,
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
					indicatorComponent={Marker}
					itemComponent={ProviderItem}
					limit={Math.max(1, height - 5)}
				/>
			</Box>
			<Box marginTop={1} flexDirection="column">
				{wrapWords(browserWords(state), state.size.columns - 4).map(line => (
					<Text key={line} dimColor wrap="truncate">
						{line}
					</Text>
				))}
			</Box>
		</Box>
	);
}

function Marker({isSelected = false}: {readonly isSelected?: boolean}) {
	return <Text bold>{isSelected ? '▸ ' : '  '}</Text>;
}

function ProviderItem({isSelected = false, label}: {readonly isSelected?: boolean; readonly label: string}) {
	return (
		<Text bold={isSelected} inverse={isSelected} wrap="truncate">
			{` ${label} `}
		</Text>
	);
}

function browserWords({surroundings}: UiState): string {
	if (surroundings.browser)
		return 'A browser opens. Where it cannot come back to, paste the address it ends at.';
	return `No browser opens: ${surroundings.whyNot}. You get a link, and can paste the address that it ends at.`;
}

function Attempt({
	state,
	view,
	height,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly height: number;
}) {
	const login = view.login.state();
	const width = state.size.columns;
	const provider = clean(view.login.provider.label);
	return (
		<Box flexDirection="column">
			<Text wrap="truncate">
				{`  ${provider} for the agent `}
				<Text bold>{view.login.agentId}</Text>
				{view.request.profileId ? ` as ${clean(view.request.profileId)}` : ''}
			</Text>
			{login.step === 'preparing' && <Lines text="Asking the authorization server…" width={width} />}
			{login.step === 'waiting' && <Waiting state={state} view={view} login={login} height={height - 1} />}
			{login.step === 'exchanging' && <Lines text="Finishing the login…" width={width} />}
			{login.step === 'done' && (
				<Lines
					text={`✓ Logged in. ${login.result.profileId} is stored${login.result.expires ? `, good for ${span(login.result.expires - state.now)} and then refreshed` : ''}.`}
					width={width}
					tone="good"
				/>
			)}
			{login.step === 'failed' && (
				<>
					<Lines text={`✗ ${login.error.message}`} width={width} tone="bad" />
					<Lines text={login.error.next} width={width} />
				</>
			)}
			{login.step === 'cancelled' && <Lines text="Cancelled. Nothing was stored." width={width} />}
		</Box>
	);
}

function Waiting({
	state,
	view,
	login,
	height,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly login: WaitingState;
	readonly height: number;
}) {
	const {columns} = state.size;
	const {forward} = state.surroundings;
	const left = span(login.until - state.now, 'fine');
	const {port} = new URL(login.redirectUri);
	// The link and the field come before the words about them where there is no room for all.
	const spare = height - Math.ceil(login.url.length / columns) - 2;
	const noteLines =
		view.note === undefined ? [] : wrapWords(`! ${view.note}`, columns - 4).slice(0, Math.max(1, spare));
	const showsForward = forward !== undefined && login.listening && spare - noteLines.length >= 2;
	return (
		<Box flexDirection="column">
			{spare - noteLines.length >= 1 && (
				<Text wrap="truncate" dimColor>
					{login.browser === 'opened'
						? '  If no page came up in your browser, open this link:'
						: '  Open this link in a browser:'}
				</Text>
			)}
			{spare >= 0 ? (
				<Link url={login.url} width={columns} />
			) : (
				<Text wrap="truncate">{'  The link is longer than this window: y copies it, u shows it alone.'}</Text>
			)}
			<Text wrap="truncate">
				{login.listening
					? `  … ${left} for the browser to come back to ${login.redirectUri}`
					: `  ! ${left} to paste: port ${port} is taken, so the browser's last page will not load`}
			</Text>
			{showsForward && (
				<Text wrap="truncate" dimColor>
					{`  on your own machine: ${forward(port)}`}
				</Text>
			)}
			<Box flexShrink={0}>
				<Text>{'  > '}</Text>
				{view.field ? (
					<TextField field={view.field} placeholder="paste it, then Enter" width={columns - 5} />
				) : (
					<Text dimColor wrap="truncate">
						or paste the address that the browser ends at
					</Text>
				)}
			</Box>
			{noteLines.map(line => (
				<Text key={line} {...tones.attention} wrap="truncate">
					{`  ${line}`}
				</Text>
			))}
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
		<Box flexDirection="column" flexShrink={0}>
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
	tone = 'plain',
}: {
	readonly text: string;
	readonly width: number;
	readonly tone?: Tone;
}) {
	return wrapWords(text, width - 4).map(line => (
		<Text key={line} wrap="truncate" {...tones[tone]}>
			{`  ${line}`}
		</Text>
	));
}
