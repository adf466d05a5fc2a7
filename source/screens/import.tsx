import {Box, Text} from 'ink';
import type {FoundLogin} from '../auth/import/find.ts';
import {AgentTitle} from '../components/agent-title.tsx';
import {wrapWords} from '../components/fit.ts';
import {Notes, noteLines} from '../components/notes.tsx';
import {Pane} from '../components/pane.tsx';
import {type Cell, type Column, Table} from '../components/table.tsx';
import type {Tone} from '../components/theme.ts';
import {asTyped} from '../suggested.ts';
import {cursorOf, importRows, selected, shownAgent} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import {importHowWords, importStateWord, loginAccount, loginTimeLeft, shortPath} from '../words.ts';
import type {ScreenProps} from './screen.ts';

const kindWords = {oauth: 'OAuth', token: 'token', api_key: 'API key'} as const;

const stateTones: Readonly<Record<FoundLogin['state'], {readonly glyph: string; readonly tone: Tone}>> = {
	new: {glyph: '+', tone: 'attention'},
	newer: {glyph: '↑', tone: 'attention'},
	here: {glyph: '✓', tone: 'good'},
	older: {glyph: '✓', tone: 'good'},
	linked: {glyph: '✓', tone: 'good'},
	elsewhere: {glyph: '•', tone: 'quiet'},
};

const columns = (now: number): readonly Column<FoundLogin>[] => [
	{title: 'PROGRAM', width: 11, dropFirst: 0, cell: ({label}) => ({text: label})},
	{title: 'PROVIDER', width: 14, flexible: true, dropFirst: 0, cell: ({provider}) => ({text: provider})},
	{title: 'KIND', width: 7, dropFirst: 3, cell: ({kind}) => ({text: kindWords[kind]})},
	{title: 'ACCOUNT', width: 16, flexible: true, dropFirst: 2, cell: login => ({text: loginAccount(login)})},
	{title: 'LEFT', width: 7, align: 'right', dropFirst: 1, cell: login => ({text: loginTimeLeft(login, now)})},
	{title: 'HERE', width: 17, dropFirst: 0, cell: stateCell},
];

/** The logins of other programs on this machine, and how each stands to what the agent has. */
export default function ImportScreen({state, height}: ScreenProps) {
	const rows = importRows(state);
	const row = selected(state, 'import', rows);
	const notes = noteLines(notesOf(state), 2, 'jarvis import');
	const about = row ? linesAbout(state, row) : [];
	const room = height - 1 - notes.length;
	const pane = row ? Math.min(about.length + 2, room - Math.min(rows.length + 1, 4)) : 0;
	return (
		<Box flexDirection="column" height={height}>
			<AgentTitle state={state} words="  Logins of other programs, for the agent " />
			<Table
				columns={columns(state.now)}
				rows={rows}
				cursor={cursorOf(state, 'import', rows)}
				width={state.size.columns}
				height={room - Math.max(0, pane)}
				empty={emptyWords(state)}
			/>
			<Notes lines={notes} tone="attention" />
			{pane > 2 && (
				<Pane
					width={state.size.columns}
					height={pane}
					turn={turnOf(state)}
					lines={about.map(line => (
						<Text key={line} wrap="truncate">
							{line}
						</Text>
					))}
				/>
			)}
		</Box>
	);
}

function stateCell({state}: FoundLogin): Cell {
	const {glyph, tone} = stateTones[state];
	return {text: `${glyph} ${importStateWord[state]}`, tone};
}

function linesAbout({size, home}: UiState, login: FoundLogin): string[] {
	const {profileId, file, refusals} = login;
	const ways =
		refusals.adopt !== undefined && refusals.adopt === refusals.link
			? [`It cannot be taken from there: ${refusals.adopt}.`]
			: (['adopt', 'link'] as const).map(how => {
					const refusal = refusals[how];
					const [name, words] = importHowWords(how, login);
					return refusal === undefined ? `${name} ${words}` : `${name} no, ${refusal}.`;
				});
	return [`${shortPath(file, home)} → ${profileId}`, ...ways].flatMap(text =>
		wrapWords(text, size.columns - 4),
	);
}

function notesOf({found, home, stateDir}: UiState): string[] {
	const openclaw =
		found?.openclaw === undefined
			? []
			: [asTyped(`openclaw in ${shortPath(found.openclaw, home)}: jarvis import openclaw`, stateDir)];
	return [...(found?.problems ?? []).map(({message}) => message), ...openclaw].map(text => `! ${text}`);
}

function emptyWords(state: UiState): string {
	if (state.filter.text !== '') return 'Nothing holds that. Esc shows all.';
	if (state.found?.agentId !== shownAgent(state)?.id) return 'Looking for logins…';
	return 'No other program has a login on this machine. Press r to look again.';
}
