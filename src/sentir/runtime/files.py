"""The files of an exported model, besides its description ``sentir.json`` and its cards."""

GRAPHS = ("audio", "utterances", "speakers", "dialogues")
OPTIONAL_GRAPHS = ("audio", "speakers")
GRAPH_FILES = {name: f"{name}.onnx" for name in GRAPHS}
GRAPH_WEIGHT_FILES = {name: f"{file}.data" for name, file in GRAPH_FILES.items()}  # beyond protobuf's 2 GB
GOLDEN_FILE, PARITY_FILE = "golden.npz", "parity.json"
EXPORTED_FILES = (*GRAPH_FILES.values(), *GRAPH_WEIGHT_FILES.values(), GOLDEN_FILE, PARITY_FILE)
PROCESSOR_FOLDERS = ("encoder", "speech")  # a tokenizer, a feature extractor
