"""The kernel in which lessons are built and proved: ipykernel, cut off from the network.

The cut comes before anything else is imported, so no library can connect first.
"""

from course_lib.proof.network import cut_if_asked

if __name__ == "__main__":
    cut_if_asked()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
