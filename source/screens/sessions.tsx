import {Box, Text} from 'ink';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {ownModelOf, whichOfSession} from '../auth/session-facts.ts';
import {noModel, pinWords, statusLines} from '../auth/session-words.ts';
import type {Which} from '../auth/which.ts';
import {AgentTitle} from '../components/agent-title.tsx';
import {fit, wrapHanging, wrapWords} from '../components/fit.ts';
import {Pane} from '../components/pane.tsx';
import {Problem} from '../components/problem.tsx';
import {type Column, Table} from '../components/table.tsx';
import {TextField} from '../components/text-field.tsx';
import {tones} from '../components/theme.ts';
import {cursorOf, type SessionRow, selected, sessionRows, shownAgent} from '../ui/rows.ts';
import type {CommandLine, UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import {ago} from '../words.ts';
import type {ScreenProps} from './screen.ts';

/** The fewest lines that the list is left, its head included. */
const listLines = 4;

const columns = (state: UiState): readonly Column<SessionRow>[] => [
	{title: 'SESSION', width: 14, flexible: true, dropFirst: 0, cell: ({facts}) => ({text: facts.key})},
	{
		title: 'MODEL',
		width: 18,
		dropFirst: 1,
		cell: ({facts}) => ({text: ownModelOf(facts.session) ?? 'default'}),
	},
	{
		title: 'PROFILE',
		width: 20,
		flexible: true,
		dropFirst: 0,
		cell(row) {
			const chosen = whichOf(state, row)?.chosen;
			const pinned = row.facts.pin?.profileId;
			if (pinned !== undefined && pinned !== chosen?.profileId && row.facts.pin?.source === 'user') {
				return {text: `✗ ${pinned}`, tone: 'bad'};
			}
			if (!chosen) return {text: '✗ none', tone: 'bad'};
			return {text: chosen.profileId, tone: chosen.until === undefined ? 'plain' : 'attention'};
		},
	},
	{
		title: 'PIN',
		width: 7,
		dropFirst: 0,
		cell: ({facts: {pin}}) => ({text: pin ? pinWords[pin.source] : '–', tone: pin ? 'plain' : 'quiet'}),
	},
	{
		title: 'CHANGED',
		width: 10,
		align: 'right',
		dropFirst: 2,
		cell: ({facts}) => ({text: ago(facts.session.updatedAt, state.now), tone: 'quiet'}),
	},
];

/** The sessions of one agent, what the one under the cursor uses and why, and a line for slash commands. */
export default function SessionsScreen({state, height}: ScreenProps) {
	const agent = shownAgent(state);
	const rows = sessionRows(state);
	const row = selected(state, 'sessions', rows);
	const {commandLine} = state;
	const width = state.size.columns;
	const typed = commandLine ? commandHeight(commandLine, width) : 0;
	const lines = paneLines(state, row);
	const room = height - 1 - typed - listLines;
	const pane = lines.length === 0 || room < 3 ? 0 : Math.min(lines.length + 2, room);
	return (
		<Box flexDirection="column" height={height}>
			<AgentTitle state={state} words="  Sessions of " />
			{agent?.sessionsProblem ? (
				<Problem
					problem={agent.sessionsProblem}
					stateDir={state.stateDir}
					width={width}
					height={height - 1 - typed}
				/>
			) : (
				<Table
					columns={columns(state)}
					rows={rows}
					cursor={cursorOf(state, 'sessions', rows)}
					width={width}
					height={height - 1 - pane - typed}
					empty={
						state.filter.text === ''
							? 'No sessions. Press n to add one.'
							: 'Nothing holds that. Esc shows all.'
					}
				/>
			)}
			{pane > 0 && (
				<Pane
					width={width}
					height={pane}
					turn={turnOf(state)}
					lines={lines.map((line, index) => (
						<Text key={line + String(index)} wrap="truncate">
							{line}
						</Text>
					))}
				/>
			)}
			{commandLine && <Command commandLine={commandLine} width={width} />}
		</Box>
	);
}

function Command({commandLine, width}: {readonly commandLine: CommandLine; readonly width: number}) {
	const key = `  ${clean(commandLine.key)}`;
	const keyWidth = Math.min(stringWidth(key), 24);
	return (
		<Box flexDirection="column" flexShrink={0}>
			<Box>
				<Text bold>{fit(key, keyWidth)}</Text>
				<Text>{' > '}</Text>
				<TextField
					field={commandLine.field}
					placeholder="/model, /reset or /help"
					width={width - keyWidth - 4}
				/>
			</Box>
			{faultLines(commandLine, width).map(line => (
				<Text key={line} {...tones.bad} wrap="truncate">
					{`  ${line}`}
				</Text>
			))}
		</Box>
	);
}

function commandHeight(commandLine: CommandLine, width: number): number {
	return 1 + faultLines(commandLine, width).length;
}

function faultLines({fault}: CommandLine, width: number): string[] {
	return fault === undefined ? [] : wrapWords(fault, width - 4).slice(0, 4);
}

/** What the last command answered, while the cursor stays on its session; else what the session uses. */
function paneLines(state: UiState, row: SessionRow | undefined): readonly string[] {
	if (!row) return [];
	const {answer} = state;
	const isAnswered = answer?.key === row.id && answer.agentId === shownAgent(state)?.id;
	return (isAnswered ? answer.lines : usedLines(state, row)).flatMap(line =>
		wrapHanging(line, state.size.columns - 4),
	);
}

function usedLines(state: UiState, row: SessionRow): readonly string[] {
	const which = whichOf(state, row);
	return which ? statusLines(which, state.now) : [noModel];
}

function whichOf(state: UiState, {facts}: SessionRow): Which | undefined {
	const agent = shownAgent(state);
	return agent && whichOfSession(agent, state.snapshot.config, facts, state.now);
}
