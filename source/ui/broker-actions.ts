import {shellWord} from '../errors.ts';
import {say, type UiContext} from './context.ts';
import {copyAndSay} from './copy.ts';
import {shownAgent} from './rows.ts';

/** What is named where the agent has nothing that could be asked for yet. */
const anyProvider = 'anthropic';

export const brokerActions = {
	copyBrokerLine(context: UiContext) {
		const state = context.store.getState();
		const {broker} = state;
		if (!broker || !('running' in broker))
			return say(context, 'attention', 'The broker has not been asked yet.');
		const provider = shownAgent(state)?.profiles[0]?.provider ?? anyProvider;
		const address = `http://jarvis/v1/token?provider=${provider}`;
		const line = `curl --unix-socket ${shellWord(broker.socket)} ${shellWord(address)}`;
		void copyAndSay(context, line, 'line that asks for a token');
	},
};
