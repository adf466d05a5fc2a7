import {tellProblems} from './commands/command.ts';
import {statusText} from './commands/status.ts';
import {type JarvisOptions, openJarvis} from './core.ts';
import {JarvisError} from './errors.ts';
import {shown} from './invocation.ts';
import {asTyped} from './suggested.ts';

/**
 * What `jarvis` does without a command: the dashboard, or, where there is no terminal to show it on, the
 * status of all agents.
 * @throws `terminal_required` for the sandbox, which is only there to be looked at
 */
export async function openFace(
	request: {readonly demo: boolean; readonly stateDir?: string},
	options: JarvisOptions,
): Promise<number> {
	const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
	if (isTerminal) {
		const {openDashboard} = await import('./dashboard.tsx');
		return openDashboard(request, options);
	}
	if (request.demo) {
		throw new JarvisError(
			'terminal_required',
			'The sandbox is a dashboard, and there is no terminal.',
			'Run it in one.',
		);
	}
	const jarvis = openJarvis({...options, ...(request.stateDir ? {stateDir: request.stateDir} : {})});
	const snapshot = await jarvis.snapshot({refs: 'resolve'});
	// Those of agents stand in their places.
	const problems = snapshot.problems.filter(
		problem => !snapshot.agents.some(agent => agent.problem === problem),
	);
	const {stateDir} = request;
	const write = (stream: NodeJS.WriteStream, text: string) =>
		stream.write(`${shown(asTyped(text, stateDir))}\n`);
	tellProblems({tell: text => write(process.stderr, text)}, {...snapshot, problems});
	write(process.stdout, await statusText(jarvis, snapshot, snapshot.agents));
	return 0;
}
