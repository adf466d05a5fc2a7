import {Box, Text} from 'ink';
import type {ReactNode} from 'react';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {
	accountRows,
	type ChoiceRow,
	cursorOf,
	methodsOf,
	type ProfileRow,
	providerRows,
	shownAgent,
} from '../ui/rows.ts';
import type {LoginView, ProviderChoice, UiState} from '../ui/state.ts';
import {stateWord} from '../words.ts';
import {AgentTitle} from './agent-title.tsx';
import {Choice} from './choice.tsx';
import {fit, wrapWords} from './fit.ts';

/** The fewest lines that the rows to choose from are left. */
const leastRows = 4;

/** The widest (columns) that a provider's name gets beside its accounts. */
const widestLabel = 30;

interface ChoicesProps<View> {
	readonly state: UiState;
	readonly view: View;
	readonly height: number;
}

/** What a login is chosen by: provider, method, and whose it is. */
export function LoginChoices({state, view, height}: ChoicesProps<Exclude<LoginView, {stage: 'running'}>>) {
	switch (view.stage) {
		case 'choosing':
			return <Providers state={state} height={height} />;
		case 'methods':
			return <Methods state={state} view={view} height={height} />;
		case 'accounts':
			return <Accounts state={state} view={view} height={height} />;
	}
}

function Providers({state, height}: Omit<ChoicesProps<never>, 'view'>) {
	const providers = providerRows(state);
	const width = Math.max(...providers.map(({choice}) => stringWidth(clean(choice.label))), 0);
	const rows = providers.map(({id, choice, accounts}) => ({
		id,
		label: [
			fit(choice.label, Math.min(width, widestLabel)),
			...(accounts.length > 0 ? [accountWords(accounts, state.now)] : []),
			...(choice.origin === 'plugin' ? ['(plugin)'] : []),
		].join('  '),
	}));
	const words = [providerWords(state, providers[indexIn(state, rows)]?.choice)];
	return (
		<Question state={state} height={height} rows={rows} words={words} lines={browserLines(state).length}>
			<AgentTitle state={state} words="Log an account in for the agent " />
		</Question>
	);
}

function Methods({state, view, height}: ChoicesProps<Extract<LoginView, {stage: 'methods'}>>) {
	const provider = state.providers.find(({id}) => id === view.providerId);
	const methods = methodsOf(state, view.providerId);
	const rows = methods.map(({name, label}) => ({id: name, label: clean(label)}));
	const chosen = methods[indexIn(state, rows)];
	const words = [chosen?.hint, provider?.note].filter(text => text !== undefined);
	return (
		<Question state={state} height={height} rows={rows} words={words}>
			{'Log in to '}
			<Text bold>{clean(provider?.label ?? view.providerId)}</Text>
			{` for the agent ${shownAgent(state)?.id ?? '–'}:`}
		</Question>
	);
}

function Accounts({state, view, height}: ChoicesProps<Extract<LoginView, {stage: 'accounts'}>>) {
	const provider = state.providers.find(({id}) => id === view.providerId);
	const rows = accountRows(state).map(({id, label}) => ({id, label: clean(label)}));
	const words = [
		`The agent ${shownAgent(state)?.id ?? '–'} has one already, and a pasted secret does not tell whose it is.`,
	];
	return (
		<Question state={state} height={height} rows={rows} words={words}>
			<Text bold>{clean(provider?.label ?? view.providerId)}</Text>
			{': where does the new one go?'}
		</Question>
	);
}

/** A question, the rows that answer it, and words about them, which give way where there is no room. */
function Question({
	state,
	height,
	rows,
	words,
	lines: wanted,
	children,
}: {
	readonly state: UiState;
	readonly height: number;
	readonly rows: readonly ChoiceRow[];
	readonly words: readonly string[];
	/** How many lines the words get, where that is not to change with the row. */
	readonly lines?: number;
	readonly children: ReactNode;
}) {
	const columns = state.size.columns - 4;
	const all = words.flatMap(text => wrapWords(text, columns));
	const below = Math.min(wanted ?? all.length, Math.max(1, height - 3 - leastRows));
	const lines = all
		.slice(0, below)
		.map((line, at) => (at === below - 1 && all.length > below ? fit(`${line} …`, columns) : line));
	const room = height - 2 - (below > 0 ? below + 1 : 0);
	return (
		<Box flexDirection="column" paddingX={2}>
			<Text wrap="truncate">{children}</Text>
			{rows.length === 0 && <Text dimColor>Nothing holds that. Esc shows all.</Text>}
			<Choice rows={rows} index={indexIn(state, rows)} height={room + 1} />
			<Box marginTop={1} flexDirection="column" flexShrink={0}>
				{lines.map(line => (
					<Text key={line} dimColor wrap="truncate">
						{line}
					</Text>
				))}
			</Box>
		</Box>
	);
}

function indexIn(state: UiState, rows: readonly ChoiceRow[]): number {
	return cursorOf(state, 'login', rows);
}

function accountWords(accounts: readonly ProfileRow[], now: number): string {
	return accounts
		.map(({facts: {profileId}, health}) => {
			const name = clean(profileId.slice(profileId.indexOf(':') + 1));
			return `${stateWord(health, now).glyph} ${name}`;
		})
		.join(', ');
}

/** What a login of a provider takes. */
function providerWords(state: UiState, provider: ProviderChoice | undefined): string {
	const [method, ...others] = provider?.methods ?? [];
	if (others.length > 0) return `Ways: ${[method, ...others].map(way => way?.label).join(', ')}.`;
	if (method?.name === 'oauth') return browserWords(state);
	return method?.hint ?? '';
}

function browserLines(state: UiState): readonly string[] {
	return wrapWords(browserWords(state), state.size.columns - 4);
}

function browserWords({surroundings}: UiState): string {
	if (surroundings.browser) {
		const note = surroundings.note ? ` ${surroundings.note}` : '';
		return `A browser opens. Where it cannot come back to, paste the address it ends at.${note}`;
	}
	return `No browser opens: ${surroundings.whyNot}. You get a link, and can paste the address that it ends at.`;
}
