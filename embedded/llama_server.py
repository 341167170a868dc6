"""llama.cpp's OpenAI-compatible server with a small model, for the tests of the streaming protocol and
`MODEL=small`.

    python3 llama_server.py <port> <model.gguf> <name of the model> <tokens of context for each answer>

Serves until SIGTERM or SIGINT.
"""

import signal
import sys

import xllamacpp

ANSWERS_AT_ONCE = 2


def main() -> None:
    port, model, name, context = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = [name]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = ANSWERS_AT_ONCE
    # llama.cpp divides the context among the concurrent answers.
    parameters.n_ctx = context * ANSWERS_AT_ONCE
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    signal.sigwait(signals)
    # The destructor ends the threads of the server and cuts off running answers.
    del server


if __name__ == "__main__":
    main()
