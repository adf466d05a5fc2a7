import {Box, Text} from 'ink';
import type {ReactNode} from 'react';
import {clean} from '../auth/facts.ts';
import type {LoginResult} from '../auth/login/contract.ts';
import {nextCommands, type OnboardingStep} from '../auth/onboarding.ts';
import {Choice} from '../components/choice.tsx';
import {wrapWords} from '../components/fit.ts';
import {ImportHint, importHintHeight} from '../components/import-hint.tsx';
import {Lines} from '../components/lines.tsx';
import {LoginPart} from '../components/login-part.tsx';
import {moreWords} from '../components/pane.tsx';
import {partOf} from '../components/part.ts';
import {Steps} from '../components/steps.tsx';
import {asTyped} from '../suggested.ts';
import {cursorOf, onboardingRows} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import type {ScreenProps} from './screen.ts';

/** From nothing to a credential, step by step. */
export default function OnboardScreen({state, height}: ScreenProps) {
	return (
		<Box flexDirection="column" height={height} overflow="hidden">
			<Steps step={stepOf(state)} columns={state.size.columns} />
			<Step state={state} height={height - 1} />
		</Box>
	);
}

function Step({state, height}: ScreenProps) {
	const {onboarding} = state;
	switch (onboarding.stage) {
		case 'agent':
			return (
				<Box flexDirection="column">
					<Question state={state} height={height - importHintHeight(state)}>
						Which agent is it for? Each has credentials of its own.
					</Question>
					<ImportHint state={state} />
				</Box>
			);
		case 'login':
			return <LoginPart state={state} height={height} />;
		case 'name':
			return (
				<Question state={state} height={height}>
					Stored. Under which name? Nothing tells whose it is.
				</Question>
			);
		case 'order':
			return (
				<Question state={state} height={height}>
					{'When is '}
					<Text bold>{clean(onboarding.result.profileId)}</Text>
					{` tried, of those of the agent ${onboarding.result.agentId}?`}
				</Question>
			);
		case 'done':
			return <Done state={state} height={height} result={onboarding.result} />;
	}
}

function Question({state, height, children}: ScreenProps & {readonly children: ReactNode}) {
	const rows = onboardingRows(state).map(({id, label}) => ({id, label: clean(label)}));
	const index = cursorOf(state, 'onboard', rows);
	return (
		<Box flexDirection="column" paddingX={2}>
			<Text wrap="truncate">{children}</Text>
			<Choice rows={rows} index={index} height={height - 1} />
		</Box>
	);
}

function Done({state, height, result}: ScreenProps & {readonly result: LoginResult}) {
	const {size, snapshot, surroundings, providers} = state;
	const {port} = providers.find(({id}) => id === result.provider) ?? {};
	const commands = nextCommands(result, result.agentId === snapshot.defaultAgent, {
		...surroundings,
		...(port ? {port} : {}),
	}).filter(({command}) => command !== 'jarvis');
	const title = `✓ ${result.profileId} of the agent ${result.agentId} is ready. Of use now:`;
	const room = height - wrapWords(title, size.columns - 4).length;
	const lines = commands.flatMap(({what, command}) => [
		{text: `  ${what}:`, isDim: true},
		...wrapWords(asTyped(command, state.stateDir), size.columns - 6).map(line => ({
			text: `    ${line}`,
			isDim: false,
		})),
	]);
	const {shown, range} = partOf(lines, lines.length > room ? room - 1 : room, turnOf(state));
	return (
		<Box flexDirection="column">
			<Lines text={title} width={size.columns} tone="good" />
			{shown.map(({text, isDim}, index) => (
				<Text key={text + String(index)} wrap="truncate" dimColor={isDim}>
					{text}
				</Text>
			))}
			{range !== undefined && <Text wrap="truncate" dimColor>{`  ${moreWords(range)}`}</Text>}
		</Box>
	);
}

function stepOf({onboarding, login}: UiState): OnboardingStep {
	switch (onboarding.stage) {
		case 'login':
			if (login.stage === 'choosing') return 'provider';
			return login.stage === 'running' ? 'login' : 'method';
		case 'name':
			return 'login';
		default:
			return onboarding.stage;
	}
}
